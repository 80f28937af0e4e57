#include "smtpd/access_action.h"

#include <array>
#include <utility>

#include "libcommon/base/strings.h"
#include "libcommon/message/header.h"
#include "libcommon/smtp/dsn.h"

namespace umaya::smtpd {

namespace {

constexpr std::array<std::pair<std::string_view, ActionKind>, 15> kWords{{
    {"OK", ActionKind::permit},
    {"RELAY", ActionKind::permit},
    {"DUNNO", ActionKind::dunno},
    {"REJECT", ActionKind::reject},
    {"DEFER", ActionKind::defer},
    {"DEFER_IF_PERMIT", ActionKind::defer_if_permit},
    {"DEFER_IF_REJECT", ActionKind::defer_if_reject},
    {"HOLD", ActionKind::hold},
    {"DISCARD", ActionKind::discard},
    {"FILTER", ActionKind::filter},
    {"REDIRECT", ActionKind::redirect},
    {"BCC", ActionKind::bcc},
    {"PREPEND", ActionKind::prepend},
    {"INFO", ActionKind::info},
    {"WARN", ActionKind::warn},
}};

bool all_digits(std::string_view s) {
  return !s.empty() && s.find_first_not_of("0123456789") == std::string_view::npos;
}

AccessAction invalid(std::string_view what) {
  return {ActionKind::invalid, 0, {}, std::string(what)};
}

/// Moves an enhanced code of the right class from the text to dsn.
void take_dsn(AccessAction& action, std::string_view rest, char dsn_class) {
  size_t n = smtp::dsn_length(rest);
  if (n > 0 && rest[0] == dsn_class) {
    action.dsn = rest.substr(0, n);
    rest = trim(rest.substr(n));
  }
  action.text = rest;
}

AccessAction with_argument(ActionKind kind, std::string_view word, std::string_view rest) {
  AccessAction action{kind, 0, {}, std::string(rest)};
  switch (kind) {
    case ActionKind::reject:
      take_dsn(action, rest, '5');
      break;
    case ActionKind::defer:
    case ActionKind::defer_if_permit:
    case ActionKind::defer_if_reject:
      take_dsn(action, rest, '4');
      break;
    case ActionKind::filter:
      if (rest.find(':') == std::string_view::npos) return invalid("FILTER needs transport:destination");
      break;
    case ActionKind::redirect:
    case ActionKind::bcc:
      if (rest.find('@') == std::string_view::npos) return invalid(std::string(word) + " needs user@domain");
      break;
    case ActionKind::prepend:
      if (!message::header_name(rest)) return invalid("PREPEND needs header: value");
      break;
    default:
      break;
  }
  return action;
}

}  // namespace

AccessAction parse_access_action(std::string_view value) {
  value = trim(value);
  if (value.empty()) return invalid("empty result");
  size_t end = 0;
  while (end < value.size() && !ascii_space(value[end])) ++end;
  std::string_view word = value.substr(0, end);
  std::string_view rest = trim(value.substr(end));
  for (auto& [name, kind] : kWords) {
    if (iequals(word, name)) return with_argument(kind, name, rest);
  }
  if (!all_digits(word)) return {ActionKind::restrictions, 0, {}, std::string(value)};
  if (word.size() == 3 && (word[0] == '4' || word[0] == '5')) {
    AccessAction action{ActionKind::reply, static_cast<int>(*parse_uint(word)), {}, {}};
    take_dsn(action, rest, word[0]);
    return action;
  }
  return {ActionKind::permit, 0, {}, {}};
}

}  // namespace umaya::smtpd
