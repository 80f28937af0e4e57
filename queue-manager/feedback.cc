#include "queue-manager/feedback.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "libcommon/base/strings.h"

namespace umaya::qmgr {
namespace {

bool parse_number(std::string_view text, double& number) {
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size() && number >= 0;
}

}  // namespace

Result<Feedback> Feedback::parse(std::string_view text) {
  Feedback feedback;
  size_t slash = text.find('/');
  std::string_view top = trim(text.substr(0, slash));
  std::string_view bottom = slash == std::string_view::npos ? std::string_view() : trim(text.substr(slash + 1));
  bool good = parse_number(top, feedback.number_);
  if (iequals(bottom, "concurrency")) {
    feedback.divisor_ = Divisor::concurrency;
  } else if (iequals(bottom, "sqrt_concurrency")) {
    feedback.divisor_ = Divisor::root;
  } else if (slash != std::string_view::npos) {
    double divisor = 0;
    good = good && parse_number(bottom, divisor) && divisor > 0;
    if (good) feedback.number_ /= divisor;
  }
  if (!good || feedback.number_ > 1) {
    return permanent("\"" + std::string(text) +
                     "\" is no feedback: give a number from 0 to 1, number/concurrency or number/sqrt_concurrency");
  }
  return feedback;
}

double Feedback::at(int concurrency) const {
  double value = number_;
  if (divisor_ == Divisor::concurrency) value /= std::max(concurrency, 1);
  if (divisor_ == Divisor::root) value /= std::sqrt(std::max(concurrency, 1));
  return std::min(value, 1.0);
}

ConcurrencyWindow::ConcurrencyWindow(const WindowLimits& limits) : size_(0) {
  revive(limits, 0);
}

void ConcurrencyWindow::revive(const WindowLimits& limits, int busy) {
  size_ = std::max({busy, limits.initial, 1});
  if (limits.maximum > 0) size_ = std::min(size_, limits.maximum);
  success_ = failure_ = failed_cohorts_ = 0;
}

void ConcurrencyWindow::succeeded(const WindowLimits& limits, int busy) {
  failed_cohorts_ = 0;
  if (limits.maximum > 0 && size_ >= limits.maximum) return;
  if (size_ >= busy + limits.initial) return;  // the window is not what holds the mail up
  double feedback = limits.positive.at(size_);
  success_ += feedback;
  while (feedback > 0 && success_ + feedback / 2 >= 1) {
    ++size_;
    success_ -= 1;
    failure_ = 0;
    if (limits.maximum > 0 && size_ >= limits.maximum) {
      success_ = 0;
      break;
    }
  }
}

ConcurrencyWindow::State ConcurrencyWindow::failed(const WindowLimits& limits) {
  failed_cohorts_ += 1.0 / size_;
  // Floating point: five times 1/5 has to count as one.
  if (limits.failed_cohorts > 0 && failed_cohorts_ >= limits.failed_cohorts * 0.99999) return State::dead;
  double feedback = limits.negative.at(size_);
  failure_ -= feedback;
  while (feedback > 0 && failure_ - feedback / 2 < 0) {
    failure_ += 1;
    success_ = 0;
    if (size_ > 1) --size_;
  }
  return State::alive;
}

}  // namespace umaya::qmgr
