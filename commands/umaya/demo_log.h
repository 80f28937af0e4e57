// NAME    demo_log - follows an instance's log and tells which station a message passes
#pragma once

#include <fstream>
#include <string>

#include "libcommon/base/clock.h"

namespace umaya::commands {

class DemoLog {
 public:
  DemoLog(std::string path, TimePoint start) : in_(path), path_(std::move(path)), start_(start) {}
  /// Prints new lines of the daemons, each with the milliseconds since the start; gives how many deliveries into a
  /// mailbox they report.
  int print_new_lines();

 private:
  std::ifstream in_;
  std::string path_;
  std::string partial_;
  TimePoint start_;
};

}  // namespace umaya::commands
