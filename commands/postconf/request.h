// NAME    request - what postconf was asked for
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "commands/postconf/edit.h"
#include "commands/postconf/format.h"
#include "libcommon/base/result.h"

namespace umaya::postconf {

enum class Subject : unsigned char {
  parameters,   ///< main.cf (-p, the default)
  entries,      ///< master.cf lines (-M)
  fields,       ///< master.cf fields (-F)
  options,      ///< master.cf -o settings (-P)
  table_types,  ///< -m
  lock_types,   ///< -l
  server_sasl,  ///< -a
  client_sasl,  ///< -A
  templates,    ///< -t
  notices,      ///< -b
};

/// Which of the parameters are listed when no names are given.
enum class Listing : unsigned char { all, set, defaults };
enum class Expansion : unsigned char { as_written, expanded };
/// Whether anything is changed.
enum class Action : unsigned char { show, edit };

struct Request {
  std::string directory;  ///< configuration directory
  Subject subject = Subject::parameters;
  Action action = Action::show;
  Change change = Change::set;
  Listing listing = Listing::all;
  Expansion expansion = Expansion::as_written;
  Form form;
  bool builtin_class = true, service_class = true, user_class = true;  ///< -C
  bool quiet = false;                                                  ///< -q: no warnings
  std::vector<std::string> overrides;                                  ///< -o name=value
  std::vector<std::string> arguments;
};

inline constexpr std::string_view kUsage =
    "usage: postconf [-c config_dir] [-C class,...] [-b] [-d] [-e] [-f] [-F] [-h] [-H] [-j] [-l] [-m] [-M] [-n] "
    "[-o name=value] [-p] [-P] [-q] [-t] [-v] [-x] [-X] [-#] [name... | name=value... | file]";

/// Reads the command line; default_directory is used without -c.
Result<Request> parse_command_line(const std::vector<std::string>& arguments, const std::string& default_directory);

}  // namespace umaya::postconf
