// NAME    command - command lines of aliases and master.cf, and what the end of a command means for the mail
//
// SYNOPSIS
//     CommandLine line = command_line("/usr/bin/vacation kim", "");     // argv, no shell
//     CommandVerdict verdict = command_verdict(ended, "/usr/bin/vacation kim");
//
// DESCRIPTION
//     A command runs without a shell unless it holds a character that means something to one. How it ended decides:
//         0                              sent
//         output that starts with 4.x.y or 5.x.y, and an exit code of sysexits.h: that code decides
//         64 … 78 (sysexits.h)           as the code says; 71 and 75 are temporary
//         any other exit code            5.3.0
//         a signal, the time limit, a command that could not be started: temporary
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "libcommon/services/become.h"
#include "libcommon/services/delivery.h"

namespace umaya::local_delivery {

struct CommandLine {
  std::vector<std::string> argv;
  std::string shell_command;  ///< for /bin/sh when argv[0] is found nowhere; empty: no shell then
};

/// How a "|command" is run. shell (local_command_shell) always runs it when it is not empty.
CommandLine command_line(std::string_view command, std::string_view shell);

struct CommandVerdict {
  services::delivery::Status status = services::delivery::Status::deferred;
  std::string dsn;
  std::string text;  ///< empty when sent
};

/// What the end of a command means.
CommandVerdict command_verdict(const services::become::Ended& ended, std::string_view command);

/// The output of a command as one line of printable text, at most 1000 bytes.
std::string one_line(std::string_view output);

/// The length of a leading "4.x.y" or "5.x.y" (or 2.x.y) that ends at white space or at the end; 0 when there is none.
size_t dsn_length(std::string_view text);

}  // namespace umaya::local_delivery
