// NAME    log_file - a log file that is put aside when it is full
//
// SYNOPSIS
//     LogFile file({.path = "/var/named/query.log", .versions = 3, .size = 10 << 20});
//     file.write(line);                       // with its newline
//     file.flush();
//
// DESCRIPTION
//     As BIND does: with versions and without size the file of before is put aside when it is opened; with both when it
//     has become that large; with size alone writing ends there. Old ones are called path.0, path.1 and so on.
//
// ERRORS
//     A file that cannot be opened is told in the log once; what was to be written is lost and counted.
//
// LIMITS  kMostGathered octets are gathered before they are written.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "libcommon/base/fd.h"

namespace umaya::named {

class LogFile {
 public:
  struct Options {
    std::string path;
    uint32_t versions = 0;  ///< kept beside it; UINT32_MAX: all
    uint64_t size = 0;      ///< octets; 0: any
  };
  static constexpr size_t kMostGathered = size_t{64} << 10;

  explicit LogFile(Options options);
  void write(std::string_view line);
  void flush();
  const Options& options() const { return options_; }
  uint64_t lost() const { return lost_; }

 private:
  void open();
  void put_aside();

  Options options_;
  Fd fd_;
  uint64_t written_ = 0;  // octets in the file, and gathered
  uint64_t lost_ = 0;
  std::string gathered_;
};

}  // namespace umaya::named
