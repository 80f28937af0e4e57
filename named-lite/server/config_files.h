// NAME    config_files - the text of named.conf and of all that it includes, to be read by another process
//
// SYNOPSIS
//     UMAYA_TRY(ConfigFiles files, read_config_files("/etc/umaya/named.conf"));
//     NamedConf conf = parse_config_files(files, problems);
//     UMAYA_TRY(ConfigFiles shared, without_secrets(files));
//
// DESCRIPTION
//     Only one process opens the files; the others get their text over a pair of sockets, and parse it. The networks
//     that this host is on, which `localhost` and `localnets` stand for, come with it. The copy for the processes that
//     face the network has other secrets in the place of the real ones, of the same length.
//
// ERRORS
//     Faults of the configuration are found by who parses it. without_secrets() refuses a text in which it did not
//     find every secret.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "libcommon/base/result.h"
#include "named-lite/config/named_conf.h"

namespace umaya::named {

struct ConfigFiles {
  struct File {
    std::string path;  ///< as the configuration names it
    std::string text;
    static constexpr std::string_view kName = "named.config.file";
    static void visit(auto& self, auto&& v) {
      v("path", self.path);
      v("text", self.text);
    }
  };
  struct Interface {
    std::string address;  ///< 4 or 16 octets
    uint8_t prefix = 0;
    static constexpr std::string_view kName = "named.config.interface";
    static void visit(auto& self, auto&& v) {
      v("address", self.address);
      v("prefix", self.prefix);
    }
  };
  std::vector<File> files;  ///< the first one is named.conf itself
  std::vector<File> hints;  ///< files of hint zones, for the process that has no files
  std::vector<Interface> interfaces;
  net::Family only_family = net::Family::none;  ///< of the command line
  bool log_to_stderr = false;                   ///< of the command line (-g): the logging statement does not count
  static constexpr std::string_view kName = "named.config.files";
  static void visit(auto& self, auto&& v) {
    v("files", self.files);
    v("hints", self.hints);
    v("interfaces", self.interfaces);
    v("only_family", self.only_family);
    v("log_to_stderr", self.log_to_stderr);
  }
};

/// Reads the file and those that it includes; what cannot be read is left out and is an error for who parses.
Result<ConfigFiles> read_config_files(const std::string& path);
NamedConf parse_config_files(const ConfigFiles& files, Problems& problems);
/// The same without secrets of keys.
Result<ConfigFiles> without_secrets(const ConfigFiles& files);

/// Adds the files of hint zones, as far as they can be read and understood; what is wrong is added to the problems.
void add_hints(const NamedConf& conf, ConfigFiles& files, Problems& problems);

/// Opens the files that a configuration includes; names that are not absolute are meant beside it.
OpenFile open_beside(const std::string& config_file);

}  // namespace umaya::named
