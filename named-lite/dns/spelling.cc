#include "named-lite/dns/spelling.h"

#include <algorithm>
#include <array>

namespace umaya::named {

size_t edit_distance(std::string_view a, std::string_view b) {
  constexpr size_t kCut = 40;
  a = a.substr(0, kCut);
  b = b.substr(0, kCut);
  std::array<std::array<size_t, kCut + 1>, 3> rows{};  // the last three rows of the table, by turns
  for (size_t j = 0; j <= b.size(); ++j) rows[0][j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    auto& row = rows[i % 3];
    const auto& above = rows[(i + 2) % 3];
    const auto& above_that = rows[(i + 1) % 3];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min({above[j] + 1, row[j - 1] + 1, above[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        row[j] = std::min(row[j], above_that[j - 2] + 1);
      }
    }
  }
  return rows[a.size() % 3][b.size()];
}

}  // namespace umaya::named
