// NAME    capabilities - the answers to CAPA and LANG, and to AUTH without a mechanism
//
// DESCRIPTION
//     A capability stands in the list exactly while it is true (RFC 2449 section 5): STLS until there is TLS, USER and
//     SASL until the log-in and as far as passwords are taken over this line, EXPIRE and LOGIN-DELAY as they are
//     enforced.
//
//     Texts are English, the only language that LANG offers (RFC 6856 section 3).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "pop3d/command.h"
#include "pop3d/params.h"

namespace umaya::pop3d {

/// What a client may do now.
struct Abilities {
  State state = State::authorization;
  bool stls = false;
  bool user = false;                    ///< USER and PASS
  bool locked = false;                  ///< nothing goes before TLS
  std::vector<std::string> mechanisms;  ///< of AUTH
};

/// The whole answer to CAPA.
std::string capability_answer(const Abilities& abilities, const Params& params);
/// The whole answer to AUTH alone: the list that clients from before RFC 2449 ask for.
std::string mechanism_answer(const std::vector<std::string>& mechanisms);
/// The whole answer to LANG with this argument, or without one.
std::string language_answer(const std::vector<std::string_view>& arguments);

}  // namespace umaya::pop3d
