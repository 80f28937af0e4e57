#include "named-lite/zone/problem.h"

#include <algorithm>
#include <tuple>

namespace umaya::named {

std::string Problem::text() const {
  std::string line = place.file;
  if (place.line > 0) line += ':' + std::to_string(place.line);
  if (place.column > 0) line += ':' + std::to_string(place.column);
  line += severity == Severity::error ? ": error: " : ": warning: ";
  line += what;
  if (!cure.empty()) line += "; write: " + cure;
  return line;
}

void Problems::add(Problem problem) {
  if (all_.size() >= kMost) {
    ++dropped_;
    return;
  }
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
