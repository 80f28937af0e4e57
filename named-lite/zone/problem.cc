#include "named-lite/zone/problem.h"

#include <algorithm>
#include <tuple>

namespace umaya::named {

namespace {

std::string place_text(const Place& place) {
  std::string text = place.file;
  if (place.line > 0) text += ':' + std::to_string(place.line);
  if (place.column > 0) text += ':' + std::to_string(place.column);
  return text + ": ";
}

}  // namespace

std::string Problem::text() const {
  std::string line = place_text(place) + (severity == Severity::error ? "error: " : "warning: ") + what;
  return cure.empty() ? line : line + "; write: " + cure;
}

std::string Problem::message() const {
  std::string line = place_text(place) + what;
  return cure.empty() ? line : line + "; write: " + cure;
}

void Problems::add(Problem problem) {
  if (all_.size() >= kMost) {
    ++dropped_;
    return;
  }
  // A line of a megabyte is shown by its beginning; half a cure would be none.
  if (problem.what.size() > kMostText) problem.what = problem.what.substr(0, kMostText) + "…";
  if (problem.cure.size() > kMostText) problem.cure.clear();
  all_.push_back(std::move(problem));
}

void Problems::sort() {
  std::vector<std::string> files;
  auto rank = [&](const std::string& file) {
    auto at = std::find(files.begin(), files.end(), file);
    return at - files.begin();
  };
  for (const Problem& problem : all_) {
    if (rank(problem.place.file) == static_cast<long>(files.size())) files.push_back(problem.place.file);
  }
  std::stable_sort(all_.begin(), all_.end(), [&](const Problem& a, const Problem& b) {
    return std::tuple(rank(a.place.file), a.place.line, a.place.column) <
           std::tuple(rank(b.place.file), b.place.line, b.place.column);
  });
}

}  // namespace umaya::named
