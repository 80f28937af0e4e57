// NAME    control_conf - what named.conf says of the control socket, statistics and the log
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "named-lite/config/reading.h"

namespace umaya::named {

/// `unix "path" perm 0600 owner 0 group 0;` of controls.
struct ControlChannel {
  std::string path;
  uint32_t mode = 0600;
  std::optional<uint32_t> owner, group;
  bool read_only = false;
  bool operator==(const ControlChannel&) const = default;
};

struct ControlConf {
  bool said = false;  ///< channels are named, or none is wanted (an empty controls); else there is a default
  std::vector<ControlChannel> channels;
};

/// `inet 127.0.0.1 port 8053 allow { … };` of statistics-channels.
struct StatisticsChannel {
  net::Endpoint at;
  AclRef allow;  ///< never null; this host by default
};

enum class LogSeverity : unsigned char { critical, error, warning, notice, info, debug, dynamic };

/// What print-time prints.
enum class TimeStyle : unsigned char { local, iso8601, iso8601_utc };

struct LogChannel {
  enum class Kind : unsigned char { null, standard_error, file, syslog } kind = Kind::null;
  std::string name;
  std::string file;
  uint32_t versions = 0;  ///< old files kept; kUnlimitedVersions: all
  uint64_t size = 0;      ///< octets at which a file is put aside; 0: never
  std::string facility = "daemon";
  LogSeverity severity = LogSeverity::info;
  uint32_t debug_level = 0;
  bool print_time = false;
  TimeStyle time_style = TimeStyle::local;
  bool print_severity = false;
  bool print_category = false;
  bool buffered = false;
  static constexpr uint32_t kUnlimitedVersions = UINT32_MAX;
};

struct LogCategory {
  std::string name;                   ///< lower case
  std::vector<std::string> channels;  ///< of LoggingConf::channels
};

struct LoggingConf {
  bool said = false;                 ///< there is a logging statement
  std::vector<LogChannel> channels;  ///< with the ones that are always there: default_syslog, default_debug, …
  std::vector<LogCategory> categories;

  LoggingConf();
  const LogChannel* channel(std::string_view name) const;
};

void read_controls(const Reading& reading, const Statement& statement, ControlConf& conf);
void read_statistics_channels(const Reading& reading, const Statement& statement, std::vector<StatisticsChannel>& out);
void read_logging(const Reading& reading, const Statement& statement, LoggingConf& conf);

}  // namespace umaya::named
