#include "pop3d/command.h"

#include <algorithm>
#include <iterator>

#include "libcommon/base/strings.h"

namespace umaya::pop3d {

namespace {

constexpr VerbInfo kVerbs[] = {
    {"USER", Verb::user, State::authorization, 1, VerbInfo::kAny},
    {"PASS", Verb::pass, State::authorization, 0, VerbInfo::kAny},
    {"STAT", Verb::stat, State::transaction, 0, 0},
    {"LIST", Verb::list, State::transaction, 0, 1},
    {"RETR", Verb::retr, State::transaction, 1, 1},
    {"DELE", Verb::dele, State::transaction, 1, 1},
    {"TOP", Verb::top, State::transaction, 2, 2},
    {"UIDL", Verb::uidl, State::transaction, 0, 1},
    {"NOOP", Verb::noop, State::transaction, 0, 0},
    {"RSET", Verb::rset, State::transaction, 0, 0},
    {"QUIT", Verb::quit, State::both, 0, 0},
    {"CAPA", Verb::capa, State::both, 0, 0},
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

std::optional<size_t> parse_message_number(std::string_view text, size_t count) {
  auto number = parse_uint(text);
  if (!number || *number == 0 || *number > count) return std::nullopt;
  return static_cast<size_t>(*number);
}

}  // namespace umaya::pop3d
