// NAME    access_action - the right-hand sides of access(5) tables
//
// DESCRIPTION
//     A pure parser. The first word decides, without regard to case; a word that is no action is the beginning of a
//     restriction list. An enhanced status code in the text is used when its class fits the reply code.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace umaya::smtpd {

enum class ActionKind : uint8_t {
  permit,           ///< OK, RELAY, or digits only
  dunno,            ///< DUNNO
  reject,           ///< REJECT [text]
  defer,            ///< DEFER [text]
  defer_if_permit,  ///< DEFER_IF_PERMIT [text]
  defer_if_reject,  ///< DEFER_IF_REJECT [text]
  reply,            ///< 4NN text, 5NN text
  hold,             ///< HOLD [text]
  discard,          ///< DISCARD [text]
  filter,           ///< FILTER transport:destination
  redirect,         ///< REDIRECT user@domain
  bcc,              ///< BCC user@domain
  prepend,          ///< PREPEND header: value
  info,             ///< INFO [text]
  warn,             ///< WARN [text]
  restrictions,     ///< anything else: a list of restrictions
  invalid,          ///< empty, or an argument that is missing or of the wrong form: text says what is wrong
};

struct AccessAction {
  ActionKind kind = ActionKind::invalid;
  int code = 0;      ///< for reply
  std::string dsn;   ///< enhanced code given by the table, empty when none
  std::string text;  ///< the rest: text, argument, or the restriction list
};

AccessAction parse_access_action(std::string_view value);

}  // namespace umaya::smtpd
