// NAME    domain - host names and address literals as they stand in mail addresses and HELO
//
// DESCRIPTION
//     Pure syntax: nothing is looked up. A literal is "[192.0.2.1]" or "[IPv6:2001:db8::1]" (RFC 5321 4.1.3); the
//     forms "[2001:db8::1]" and "[::ffff:192.0.2.1]" are read too, for HELO and destinations that people write.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace umaya::message {

/// Letters, digits, hyphen and (as Postfix) underscore; labels of 1 to 63, name of 1 to 255 octets; not all digits.
bool valid_hostname(std::string_view name);

/// The address inside a literal in canonical text ("192.0.2.1", "2001:db8::1"), nothing when it is not one.
/// An IPv4-mapped IPv6 address comes back as IPv4.
std::optional<std::string> parse_address_literal(std::string_view literal);

/// "[…]" with a well-formed address in it.
bool valid_address_literal(std::string_view literal);

/// An IPv4 or IPv6 address without brackets, in canonical text; nothing when it is not one.
std::optional<std::string> canonical_ip(std::string_view text);

}  // namespace umaya::message
