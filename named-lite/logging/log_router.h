// NAME    log_router - log lines to the channels that named.conf names
//
// SYNOPSIS
//     LogRouter router;
//     router.configure(conf);
//     if (!router.write(record)) …            // there is no logging statement: it goes the way of all lines
//
// DESCRIPTION
//     Lives in the process that has files. Categories without channels of their own go to those of `default`; without a
//     category `default` those are default_syslog and default_debug, as in BIND. A channel takes what is at least as
//     severe as it says; `debug` and `dynamic` take debugging lines while the server's debug level is above 0. Files
//     that are as before at a reload stay open.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "named-lite/config/named_conf.h"
#include "named-lite/logging/log_file.h"
#include "named-lite/logging/log_messages.h"

namespace umaya::named {

class LogRouter {
 public:
  void configure(const NamedConf& conf);
  /// False when nothing is configured.
  bool write(const LogRecord& record);
  /// Files get what was gathered.
  void flush();
  /// Whether somebody reads lines of this category because the configuration names it.
  bool names(Category category) const { return named_[static_cast<size_t>(category)]; }
  bool configured() const { return configured_; }

 private:
  struct Channel {
    LogChannel conf;
    std::shared_ptr<LogFile> file;  // shared with the channels of a configuration that is replaced
    int facility = 0;
  };
  std::shared_ptr<LogFile> file_for(const LogChannel& channel, const std::string& directory) const;
  const Channel* channel_for(const NamedConf& conf, const std::string& name);
  void write_to(const Channel& channel, const LogRecord& record);

  bool configured_ = false;
  std::vector<std::unique_ptr<Channel>> channels_, former_;  // former: while a new configuration is taken up
  std::array<std::vector<const Channel*>, kCategories> by_category_;
  std::array<bool, kCategories> named_{};
};

/// A line as a channel has it, without its end: what it prints of time, category and severity, and the text.
std::string channel_line(const LogChannel& channel, const LogRecord& record);
/// Whether the channel takes lines of this level.
bool takes(const LogChannel& channel, log::Level level);

}  // namespace umaya::named
