// NAME    client_attributes - the arguments of XCLIENT and XFORWARD (Postfix's extensions)
//
// SYNOPSIS
//     auto attributes = parse_client_attributes("NAME=mx.example.org ADDR=IPV6:2001:db8::1", kXclient);
//     if (!attributes) reply(attributes.error());
//
// DESCRIPTION
//     A pure parser: name=xtext pairs, each checked for its kind. [UNAVAILABLE] and [TEMPUNAVAIL] give a value without
//     text. What could harm a header or the log becomes '?'. Whoever asks decides first who may send such a thing.
//
// ERRORS
//     The refusal to give: 501 5.5.4, with the name of the attribute.
//
// LIMITS
//     255 octets for a value, 64 for a protocol name.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "libcommon/smtp/command.h"

namespace umaya::smtpd {

enum class AttributeName : uint8_t { name, reverse_name, address, port, protocol, helo, ident, source, login };
enum class Known : uint8_t { yes, no, not_now };

struct ClientAttribute {
  AttributeName name;
  Known known = Known::yes;
  std::string value;  ///< empty unless known; an address is without "IPV6:", a source is "LOCAL" or "REMOTE"
};

/// Which attributes a command takes, and how it calls itself.
struct AttributeCommand {
  std::string_view verb;
  std::string_view keyword;  ///< for the EHLO reply
};
inline constexpr AttributeCommand kXclient{"XCLIENT", "XCLIENT NAME ADDR PROTO HELO REVERSE_NAME PORT LOGIN"};
inline constexpr AttributeCommand kXforward{"XFORWARD", "XFORWARD NAME ADDR PROTO HELO SOURCE PORT IDENT"};

std::expected<std::vector<ClientAttribute>, smtp::Refusal> parse_client_attributes(std::string_view arguments,
                                                                                   const AttributeCommand& command);

}  // namespace umaya::smtpd
