// NAME    log - log lines in Postfix's shape, to syslog, a file or standard error
//
// SYNOPSIS
//     log::open({.tag = "umaya/smtpd", .file = "/var/log/mail.log"});
//     log::info("{}: client={}[{}]", queue_id, name, address);
//     log::warning(…)  log::error(…)  log::fatal(…)     // fatal ends the process with status 1
//
// DESCRIPTION
//     A line is "tag[pid]: severity: text"; info has no severity word (../shared/compat/logs.md). Bytes that are not
//     printable become '?', so that a client cannot forge a line. A file sink gathers lines and writes them when
//     flush() is called (the event loop does so once a round), or at once for warning and above.
//
// ERRORS
//     Logging never fails the caller; lines that cannot be written are dropped and counted.
#pragma once

#include <fmt/core.h>

#include <functional>
#include <string>
#include <string_view>

namespace umaya::log {

enum class Level : unsigned char { debug, info, warning, error, fatal, panic };

struct Options {
  std::string tag = "umaya";      ///< syslog_name/process, or syslog_name/service/process
  std::string file;               ///< maillog_file; empty: syslog; "-": standard error
  std::string facility = "mail";  ///< syslog_facility
  bool also_stderr = false;       ///< commands print "name: warning: …" too
  int verbose = 0;                ///< number of -v options: debug lines are written when > 0
};

void open(Options options);
/// Reopens the log file, after rotation; what is gathered is written first.
void reopen();
void set_tag(std::string tag);
int verbosity();
void flush();
/// Writes one line; text is made printable here.
void write(Level level, std::string_view text);
/// Tests: every line goes to the sink instead; nullptr ends that.
void capture(std::function<void(Level, std::string_view)> sink);

template <class... Args>
void debug(fmt::format_string<Args...> format, Args&&... args) {
  if (verbosity() > 0) write(Level::debug, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void info(fmt::format_string<Args...> format, Args&&... args) {
  write(Level::info, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void warning(fmt::format_string<Args...> format, Args&&... args) {
  write(Level::warning, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void error(fmt::format_string<Args...> format, Args&&... args) {
  write(Level::error, fmt::format(format, std::forward<Args>(args)...));
}
/// For start-up and configuration errors: logs and exits with status 1.
template <class... Args>
[[noreturn]] void fatal(fmt::format_string<Args...> format, Args&&... args) {
  write(Level::fatal, fmt::format(format, std::forward<Args>(args)...));
  std::exit(1);
}
/// For broken invariants: logs and aborts; master starts the process again.
template <class... Args>
[[noreturn]] void panic(fmt::format_string<Args...> format, Args&&... args) {
  write(Level::panic, fmt::format(format, std::forward<Args>(args)...));
  std::abort();
}

}  // namespace umaya::log
