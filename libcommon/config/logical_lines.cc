#include "libcommon/config/logical_lines.h"

#include "libcommon/base/strings.h"

namespace umaya::config {

std::vector<LogicalLine> logical_lines(std::string_view text) {
  std::vector<LogicalLine> lines;
  for (int number = 1; !text.empty(); ++number) {
    size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    std::string_view visible = trim(line);
    if (visible.empty() || visible.front() == '#') continue;
    if (ascii_space(line.front()) && !lines.empty()) {
      lines.back().text += line;
      lines.back().last = number;
    } else {
      lines.push_back({std::string(line), number, number});
    }
  }
  return lines;
}

}  // namespace umaya::config
