#include "commands/umaya/demo_log.h"

#include <cstdio>
#include <utility>

namespace umaya::commands {

int DemoLog::print_new_lines() {
  if (!in_.is_open()) in_.open(path_);
  in_.clear();
  int delivered = 0;
  for (std::string piece; std::getline(in_, piece);) {
    partial_ += piece;
    if (in_.eof()) break;  // the rest of the line is still to come
    std::string line = std::exchange(partial_, {});
    size_t tag = line.find("postfix/");
    size_t bracket = line.find('[', tag);
    size_t text = line.find("]: ", bracket);
    if (tag == std::string::npos || text == std::string::npos) continue;
    std::string station = line.substr(tag + 8, bracket - tag - 8);
    if (station == "umaya") continue;
    double milliseconds = std::chrono::duration<double, std::milli>(monotonic_now() - start_).count();
    std::printf("  %8.1f ms  %-9s %s\n", milliseconds, station.c_str(), line.substr(text + 3).c_str());
    if (line.find("status=sent (delivered to") != std::string::npos) ++delivered;
  }
  return delivered;
}

}  // namespace umaya::commands
