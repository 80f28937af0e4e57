// NAME    map_command - what postmap and postalias have in common: options, queries, building, changing
//
// DESCRIPTION
//     run() is the whole program. Output goes to standard output, messages "postmap: warning: …" to standard error and
//     the log, both as Postfix's programs write them.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libcommon/config/config.h"
#include "libcommon/databases/drivers.h"
#include "libcommon/table/open.h"
#include "libcommon/table/source.h"

namespace umaya::postmap {

/// What makes the two programs different.
struct Flavour {
  std::string_view program;      ///< "postmap"
  std::string_view usage;        ///< options in brackets
  std::string_view option_list;  ///< for getopt
  std::string_view key_end;      ///< between key and value in output: "\t" or ":\t"
  void (*read)(std::string_view text, const table::SourceHandlers& handlers);
  bool is_alias = false;
};

struct Request {
  std::string config_directory;
  std::vector<std::string> tables;                   ///< "type:name" or "name"
  std::optional<std::string> query_key, delete_key;  ///< "-": keys on standard input
  bool dump = false, incremental = false, replace = false, keep_silently = false;
  bool fold = true, keep_root = false, public_mode = false, json = false, value_is_file = false;
  bool without_null = false, message_headers = false, message_body = false, mime = false, utf8 = true;
  int verbose = 0;
};

/// Gives the exit code.
int run(int argc, char** argv, const Flavour& flavour);

/// Reads options; the error is the text behind "fatal: ".
Result<Request> parse_arguments(int argc, char** argv, const Flavour& flavour);

/// The parts of run(), by request. Each gives the exit code or the text behind "fatal: ".
class MapCommand {
 public:
  MapCommand(const Flavour& flavour, const Request& request, const config::Config& config);
  Result<int> execute();

 private:
  Result<int> query_one(const std::string& key);
  Result<int> query_lines();
  Result<int> query_message();
  Result<int> dump();
  Result<int> remove();
  Result<int> change();
  Result<int> build();
  Result<> build_one(const std::string& table);
  Result<std::optional<std::string>> find(std::string_view key);
  Result<> open_tables();
  std::string full_name(const std::string& table) const;
  void print(std::string_view key, std::string_view value) const;
  Result<std::string> value_of(std::string_view stored) const;
  Result<std::string> value_from(const table::SourceEntry& entry) const;

  const Flavour& flavour_;
  const Request& request_;
  const config::Config& config_;
  databases::Drivers drivers_;
  table::Options options_;
  std::vector<std::unique_ptr<table::Table>> open_;
};

}  // namespace umaya::postmap
