// NAME    command - one line of ndc as a command to the server
//
// SYNOPSIS
//     auto command = parse_command("reload ex.test IN inside");
//     if (command && command->verb == Verb::reload) …
//
// DESCRIPTION
//     The verbs are rndc's. Words are separated by blanks; one in quotes may hold anything, a backslash takes the next
//     octet as it is. One table says what each verb takes; the help is made from it, too.
//
// ERRORS
//     A line that is no command is an error for the person who wrote it.
//
// LIMITS  a line of 4096 octets, 16 words.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "libcommon/base/result.h"
#include "named-lite/dns/name.h"

namespace umaya::named {

enum class Verb : unsigned char {
  reload,
  reconfig,
  freeze,
  thaw,
  sync,
  retransfer,
  refresh,
  notify,
  zonestatus,
  flush,
  flushname,
  flushtree,
  status,
  stop,
  halt,
  querylog,
  trace,
  notrace,
  dumpdb,
  stats,
};
inline constexpr size_t kVerbs = static_cast<size_t>(Verb::stats) + 1;

/// A zone that a command names.
struct ZoneSelector {
  Name name;         ///< lower case
  std::string view;  ///< empty: the one view that has the zone
};

enum class DumpContent : unsigned char { cache, zones, all };

struct Command {
  static constexpr size_t kMostLine = 4096;

  Verb verb = Verb::status;
  std::optional<ZoneSelector> zone;  ///< nothing: all zones
  std::optional<Name> name;          ///< of flushname and flushtree, lower case
  std::string view;                  ///< of flush, flushname, flushtree, dumpdb; empty: all
  std::optional<bool> on;            ///< of querylog; nothing: the other way round
  std::optional<uint32_t> level;     ///< of trace; nothing: one more
  bool clean = false;                ///< sync -clean: the journal is removed
  bool force = false;                ///< retransfer -force
  bool print_pid = false;            ///< stop -p, halt -p
  DumpContent content = DumpContent::cache;
};

struct VerbInfo {
  std::string_view word;
  Verb verb;
  std::string_view arguments;  ///< for the help
  std::string_view what;
  bool only_reads;  ///< may be used over a socket that is read-only
};

std::span<const VerbInfo> verbs();
const VerbInfo& verb_info(Verb verb);

Result<Command> parse_command(std::string_view line);
/// Words as a line that parse_command() takes apart again.
std::string command_line(std::span<const std::string_view> words);
/// One line for each verb.
std::string command_help();

}  // namespace umaya::named
