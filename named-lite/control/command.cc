#include "named-lite/control/command.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <vector>

#include "libcommon/base/strings.h"
#include "named-lite/dns/spelling.h"

namespace umaya::named {

namespace {

constexpr size_t kMostWords = 16;

constexpr std::string_view kZone = "[zone [class [view]]]";
constexpr std::string_view kOneZone = "zone [class [view]]";

/// In the order of Verb.
constexpr VerbInfo kVerbInfos[] = {
    {"reload", Verb::reload, kZone, "Read configuration and zones anew, or one zone.", false},
    {"reconfig", Verb::reconfig, "", "Read the configuration anew, and zones that are new.", false},
    {"freeze", Verb::freeze, kZone, "Write dynamic zones to their files and take no updates.", false},
    {"thaw", Verb::thaw, kZone, "Read frozen zones again and take updates.", false},
    {"sync", Verb::sync, "[-clean] [zone [class [view]]]",
     "Write changes of dynamic zones to their files; -clean: remove the journal.", false},
    {"retransfer", Verb::retransfer, kOneZone, "Transfer a zone, whatever its serial.", false},
    {"refresh", Verb::refresh, kOneZone, "Ask the primaries of a zone for its serial now.", false},
    {"notify", Verb::notify, kOneZone, "Tell the secondaries of a zone of its serial again.", false},
    {"zonestatus", Verb::zonestatus, kOneZone, "Say how a zone is.", true},
    {"flush", Verb::flush, "[view]", "Forget all answers of other servers.", false},
    {"flushname", Verb::flushname, "name [view]", "Forget what is known of a name.", false},
    {"flushtree", Verb::flushtree, "name [view]", "Forget what is known of a name and of all below it.", false},
    {"status", Verb::status, "", "Say how the server is.", true},
    {"stop", Verb::stop, "[-p]", "Save changes and end; -p: say the process id.", false},
    {"halt", Verb::halt, "[-p]", "End at once; journals keep what was not saved.", false},
    {"querylog", Verb::querylog, "[on | off]", "Log each question, or no longer.", false},
    {"trace", Verb::trace, "[level]", "Log more: the next level, or this one.", false},
    {"notrace", Verb::notrace, "", "Log no more than usual.", false},
    {"dumpdb", Verb::dumpdb, "[-all | -cache | -zones] [view]", "Write cache or zones to the dump-file.", false},
    {"stats", Verb::stats, "", "Append the statistics to the statistics-file.", false},
};
static_assert(std::size(kVerbInfos) == kVerbs);

struct Alias {
  std::string_view word;
  Verb verb;
};
constexpr Alias kAliases[] = {{"unfreeze", Verb::thaw}, {"qrylog", Verb::querylog}};

/// Verbs of rndc and of the old ndc that have nothing behind them here.
constexpr std::string_view kOfOthers[] = {
    "addzone",      "closelogs", "delzone", "dnssec",   "dnstap",      "exec",        "fetchlimit",  "loadkeys",
    "managed-keys", "memprof",   "modzone", "nta",      "null",        "recursing",   "reset-stats", "responselog",
    "restart",      "rekey",     "scan",    "secroots", "serve-stale", "showconf",    "showzone",    "sign",
    "signing",      "skr",       "start",   "testgen",  "timerpoll",   "tsig-delete", "tsig-list",   "validation",
};

Result<std::vector<std::string>> words_of(std::string_view line) {
  if (line.size() > Command::kMostLine) return permanent("the command is longer than 4096 octets");
  std::vector<std::string> words;
  for (size_t i = 0; i < line.size();) {
    if (ascii_space(line[i])) {
      ++i;
      continue;
    }
    if (words.size() == kMostWords) return permanent("the command has more than 16 words");
    std::string& word = words.emplace_back();
    bool quoted = line[i] == '"';
    if (quoted) ++i;
    bool closed = !quoted;
    while (i < line.size()) {
      char c = line[i];
      if (quoted ? c == '"' : ascii_space(c)) {
        closed = true;
        if (quoted) ++i;
        break;
      }
      if (c == '\\' && ++i == line.size()) return permanent("the command ends in a backslash");
      word += line[i++];
    }
    if (!closed) return permanent("a quote of the command is not closed");
  }
  return words;
}

/// The words behind the verb, taken one by one.
class Words {
 public:
  explicit Words(std::span<const std::string> words) : words_(words) {}
  bool empty() const { return at_ == words_.size(); }
  std::string_view peek() const { return empty() ? std::string_view() : std::string_view(words_[at_]); }
  std::string take() { return empty() ? std::string() : words_[at_++]; }
  bool take_if(std::string_view word) {
    if (empty() || !iequals(peek(), word)) return false;
    ++at_;
    return true;
  }

 private:
  std::span<const std::string> words_;
  size_t at_ = 0;
};

Result<Name> lower_name(const std::string& text) {
  if (text.empty()) return permanent("an empty name");
  auto name = Name::from_text(text);
  if (!name) return permanent("\"" + text + "\": " + name.error().what);
  return name->lower();
}

Result<> read_zone_words(Words& words, Command& command) {
  UMAYA_TRY(Name name, lower_name(words.take()));
  ZoneSelector zone{std::move(name), {}};
  if (!words.empty() && !words.take_if("IN")) {
    return permanent("\"" + std::string(words.peek()) + "\": the only class of zones is IN");
  }
  zone.view = words.take();
  command.zone = std::move(zone);
  return {};
}

Result<> read_named(Words& words, Command& command) {
  UMAYA_TRY(Name name, lower_name(words.take()));
  command.name = std::move(name);
  command.view = words.take();
  return {};
}

Result<> read_querylog(Words& words, Command& command) {
  if (words.empty()) return {};
  bool on = iequals(words.peek(), "on") || iequals(words.peek(), "yes");
  if (!on && !iequals(words.peek(), "off") && !iequals(words.peek(), "no")) return permanent("querylog is on or off");
  words.take();
  command.on = on;
  return {};
}

Result<> read_level(Words& words, Command& command) {
  if (words.empty()) return {};
  auto level = parse_uint(words.take());
  if (!level || *level > 99) return permanent("the level of trace is a number from 0 to 99");
  command.level = static_cast<uint32_t>(*level);
  return {};
}

Result<> read_dump(Words& words, Command& command) {
  if (words.take_if("-all")) {
    command.content = DumpContent::all;
  } else if (words.take_if("-zones")) {
    command.content = DumpContent::zones;
  } else if (!words.take_if("-cache") && words.peek().starts_with('-')) {
    return permanent("dumpdb writes -all, -cache or -zones");
  }
  command.view = words.take();
  return {};
}

Result<> read_arguments(Words& words, Command& command) {
  switch (command.verb) {
    case Verb::sync:
      command.clean = words.take_if("-clean");
      [[fallthrough]];
    case Verb::reload:
    case Verb::freeze:
    case Verb::thaw:
      return words.empty() ? Result<>() : read_zone_words(words, command);
    case Verb::retransfer:
      command.force = words.take_if("-force");
      return read_zone_words(words, command);
    case Verb::refresh:
    case Verb::notify:
    case Verb::zonestatus:
      return read_zone_words(words, command);
    case Verb::flush:
      command.view = words.take();
      return {};
    case Verb::flushname:
    case Verb::flushtree:
      return read_named(words, command);
    case Verb::stop:
    case Verb::halt:
      command.print_pid = words.take_if("-p");
      return {};
    case Verb::querylog:
      return read_querylog(words, command);
    case Verb::trace:
      return read_level(words, command);
    case Verb::dumpdb:
      return read_dump(words, command);
    case Verb::reconfig:
    case Verb::status:
    case Verb::notrace:
    case Verb::stats:
      return {};
  }
  return {};
}

std::optional<Verb> find_verb(std::string_view word) {
  for (const VerbInfo& each : kVerbInfos) {
    if (iequals(each.word, word)) return each.verb;
  }
  for (const Alias& each : kAliases) {
    if (iequals(each.word, word)) return each.verb;
  }
  return std::nullopt;
}

std::unexpected<Error> unknown_verb(const std::string& word) {
  for (std::string_view each : kOfOthers) {
    if (iequals(each, word)) return permanent("\"" + word + "\" is a command of rndc that named-lite does not have");
  }
  std::string_view near =
      nearest_word(to_lower(word), std::size(kVerbInfos), [](size_t i) { return kVerbInfos[i].word; });
  return permanent("\"" + word + "\" is no command" + (near.empty() ? "" : ": do you mean " + std::string(near) + "?"));
}

}  // namespace

std::span<const VerbInfo> verbs() {
  return kVerbInfos;
}

const VerbInfo& verb_info(Verb verb) {
  return kVerbInfos[static_cast<size_t>(verb)];
}

Result<Command> parse_command(std::string_view line) {
  UMAYA_TRY(std::vector<std::string> all, words_of(line));
  if (all.empty()) return permanent("there is no command");
  auto verb = find_verb(all[0]);
  if (!verb) return unknown_verb(all[0]);
  Command command;
  command.verb = *verb;
  Words words(std::span<const std::string>(all).subspan(1));
  const VerbInfo& info = verb_info(*verb);
  auto read = read_arguments(words, command);
  if (read && !words.empty()) read = permanent("\"" + std::string(words.peek()) + "\" is too much");
  if (!read) {
    return permanent(fmt::format("{} (usage: {} {})", read.error().what, info.word,
                                 info.arguments.empty() ? "without arguments" : info.arguments));
  }
  return command;
}

std::string command_line(std::span<const std::string_view> words) {
  std::string line;
  for (std::string_view word : words) {
    if (!line.empty()) line += ' ';
    bool plain = !word.empty() && word.find_first_of(" \t\r\n\v\f\"\\") == std::string_view::npos;
    if (!plain) line += '"';
    for (char c : word) {
      if (c == '"' || c == '\\') line += '\\';
      line += c;
    }
    if (!plain) line += '"';
  }
  return line;
}

std::string command_help() {
  std::string text;
  for (const VerbInfo& each : kVerbInfos) {
    std::string usage = std::string(each.word) + (each.arguments.empty() ? "" : " ") + std::string(each.arguments);
    text += fmt::format("  {:<40} {}\n", usage, each.what);
  }
  return text;
}

}  // namespace umaya::named
