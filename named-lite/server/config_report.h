// NAME    config_report - reads the configuration without keeping its secrets
//
// SYNOPSIS
//     UMAYA_TRY(ReadConfig config, read_config_in_child(options));
//     if (config.report.ok) open_listening(config.report.listen …);
//
// DESCRIPTION
//     The parent of the other processes must know where to listen, but not the keys: what it has in memory, each child
//     would have, too. So a child of its own reads and parses, and gives back what the parent needs, and the text in a
//     sealed memfd, which only the zone process opens.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libcommon/base/fd.h"
#include "libcommon/base/result.h"
#include "libcommon/daemon/sandbox.h"
#include "libcommon/net/address.h"
#include "named-lite/server/config_files.h"
#include "named-lite/server/snapshot.h"

namespace umaya::named {

struct ConfigReport {
  struct Line {
    uint8_t level = 0;  ///< log::Level
    std::string text;
    static constexpr std::string_view kName = "named.report.line";
    static void visit(auto& self, auto&& v) {
      v("level", self.level);
      v("text", self.text);
    }
  };
  /// A socket for ndc.
  struct Control {
    std::string path;
    uint32_t mode = 0600;
    std::optional<uint32_t> owner, group;
    bool read_only = false;
    static constexpr std::string_view kName = "named.report.control";
    static void visit(auto& self, auto&& v) {
      v("path", self.path);
      v("mode", self.mode);
      v("owner", self.owner);
      v("group", self.group);
      v("read_only", self.read_only);
    }
  };
  bool ok = false;                  ///< the configuration has no errors
  bool recursion = false;           ///< some clients may recurse
  bool logging = false;             ///< the configuration says where log lines go
  bool saves_at_end = false;        ///< flush-zones-on-shutdown
  std::vector<Line> lines;          ///< for the log
  std::vector<std::string> listen;  ///< end points as text
  std::vector<std::string> read;    ///< directories of zone files
  std::vector<std::string> write;   ///< directories of secondary zones
  std::string pid_file;
  std::vector<std::string> statistics;  ///< end points as text
  std::vector<Control> control;
  static constexpr std::string_view kName = "named.report";
  static void visit(auto& self, auto&& v) {
    v("ok", self.ok);
    v("recursion", self.recursion);
    v("logging", self.logging);
    v("saves_at_end", self.saves_at_end);
    v("lines", self.lines);
    v("listen", self.listen);
    v("read", self.read);
    v("write", self.write);
    v("pid_file", self.pid_file);
    v("statistics", self.statistics);
    v("control", self.control);
  }

  std::vector<net::Endpoint> endpoints() const;
  std::vector<net::Endpoint> statistics_endpoints() const;
  std::vector<ControlChannel> control_channels() const;
};

/// What the command line says.
struct ParentOptions {
  std::string config_file = "/etc/umaya/named.conf";
  uint16_t port = 53;
  unsigned queries = 0;                         ///< query processes; 0: as many as processors
  net::Family only_family = net::Family::none;  ///< none: both
  bool log_to_stderr = false;                   ///< whatever the logging statement says
};

struct ReadConfig {
  ConfigReport report;
  Fd files;  ///< ConfigFiles in a sealed memfd
};

/// What there is to know of a configuration; port: where listen-on names none.
ConfigReport report_on(const ConfigFiles& files, uint16_t port);
/// Reads it in a child process; an error when that did not work at all.
Result<ReadConfig> read_config_in_child(const ParentOptions& options);
/// Its lines into the log.
void write_lines(const ConfigReport& report);
/// Its errors, a line each.
std::string error_lines(const ConfigReport& report);
/// The text in such a memfd.
Result<ConfigFiles> config_files_in(int fd);

}  // namespace umaya::named
