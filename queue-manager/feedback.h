// NAME    feedback - how the number of deliveries at a time to one destination grows and shrinks
//
// SYNOPSIS
//     UMAYA_TRY(Feedback up, Feedback::parse("1/concurrency"));
//     ConcurrencyWindow window(limits);
//     window.succeeded(busy);   window.failed(limits);   window.size();
//
// DESCRIPTION
//     A window starts at initial_destination_concurrency. Each delivery that reached the other side adds the positive
//     feedback to an account, and a whole unit there opens the window by one; each failure to reach it takes the
//     negative feedback, and the first failure of a row closes the window by one at once. Failures are also counted in
//     cohorts, a window full of them being one; destination_concurrency_failed_cohort_limit cohorts make the
//     destination dead. (postconf(5) default_destination_concurrency_positive_feedback and its neighbours.)
#pragma once

#include <string_view>

#include "libcommon/base/result.h"

namespace umaya::qmgr {

/// A number between 0 and 1, or a number divided by the concurrency or its square root.
class Feedback {
 public:
  Feedback() = default;
  /// "1", "0.5", "1/8", "1/concurrency", "1/sqrt_concurrency".
  static Result<Feedback> parse(std::string_view text);
  /// The value at this concurrency, at most 1.
  double at(int concurrency) const;

 private:
  enum class Divisor : unsigned char { none, concurrency, root };
  double number_ = 1;
  Divisor divisor_ = Divisor::none;
};

struct WindowLimits {
  int initial = 5;            ///< initial_destination_concurrency
  int maximum = 20;           ///< destination_concurrency_limit; 0: none
  double failed_cohorts = 1;  ///< destination_concurrency_failed_cohort_limit; 0: never dead
  Feedback positive{};
  Feedback negative{};
};

class ConcurrencyWindow {
 public:
  explicit ConcurrencyWindow(const WindowLimits& limits);

  /// How many deliveries may be under way.
  int size() const { return size_; }
  /// A delivery reached the other side; busy are still under way, without that one.
  void succeeded(const WindowLimits& limits, int busy);
  enum class State : unsigned char { alive, dead };
  /// A delivery did not reach it.
  State failed(const WindowLimits& limits);
  /// The destination is tried again.
  void revive(const WindowLimits& limits, int busy);

 private:
  int size_;
  double success_ = 0;
  double failure_ = 0;
  double failed_cohorts_ = 0;
};

}  // namespace umaya::qmgr
