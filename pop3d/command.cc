#include "pop3d/command.h"

#include <algorithm>
#include <iterator>

#include "libcommon/base/strings.h"

namespace umaya::pop3d {

namespace {

constexpr VerbInfo kVerbs[] = {
    {"USER", Verb::user, State::authorization, 1, VerbInfo::kAny, false},
    {"PASS", Verb::pass, State::authorization, 0, VerbInfo::kAny, false},
    {"APOP", Verb::apop, State::authorization, 2, 2, false},
    {"AUTH", Verb::auth, State::authorization, 0, 2, false},
    {"STLS", Verb::stls, State::authorization, 0, 0, true},
    {"UTF8", Verb::utf8, State::authorization, 0, 0, false},
    {"STAT", Verb::stat, State::transaction, 0, 0, false},
    {"LIST", Verb::list, State::transaction, 0, 1, false},
    {"RETR", Verb::retr, State::transaction, 1, 1, false},
    {"DELE", Verb::dele, State::transaction, 1, 1, false},
    {"TOP", Verb::top, State::transaction, 2, 2, false},
    {"UIDL", Verb::uidl, State::transaction, 0, 1, false},
    {"NOOP", Verb::noop, State::transaction, 0, 0, false},
    {"RSET", Verb::rset, State::transaction, 0, 0, false},
    {"QUIT", Verb::quit, State::both, 0, 0, true},
    {"CAPA", Verb::capa, State::both, 0, 0, true},
    {"LANG", Verb::lang, State::both, 0, 1, false},
};

}  // namespace

Command parse_command(std::string_view line) {
  if (line.ends_with('\n')) line.remove_suffix(1);
  if (line.ends_with('\r')) line.remove_suffix(1);
  Command command;
  size_t blank = line.find(' ');
  command.verb = line.substr(0, blank);
  if (blank == std::string_view::npos) return command;
  command.rest = line.substr(blank + 1);
  command.arguments = split(command.rest, " ");
  return command;
}

const VerbInfo* find_verb(std::string_view name) {
  auto row =
      std::find_if(std::begin(kVerbs), std::end(kVerbs), [&](const VerbInfo& v) { return iequals(v.name, name); });
  return row == std::end(kVerbs) ? nullptr : &*row;
}

bool allowed_in(const VerbInfo& verb, State state) {
  return (static_cast<unsigned>(verb.state) & static_cast<unsigned>(state)) != 0;
}

bool fits(const Command& command, const VerbInfo& verb) {
  size_t given = command.arguments.size();
  return given >= verb.least_arguments && (verb.most_arguments == VerbInfo::kAny || given <= verb.most_arguments);
}

std::optional<size_t> parse_message_number(std::string_view text, size_t count) {
  auto number = parse_uint(text);
  if (!number || *number == 0 || *number > count) return std::nullopt;
  return static_cast<size_t>(*number);
}

}  // namespace umaya::pop3d
