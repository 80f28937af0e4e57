// NAME    name - domain names between text and wire form
//
// SYNOPSIS
//     std::string wire;  if (dns::append_name(wire, "example.org")) …
//     auto name = dns::read_name(message, position);       // follows compression, moves position behind the name
//
// DESCRIPTION
//     Text is the presentation form without the last dot ("example.org", the root is "."); bytes that are not letters,
//     digits, '-' or '_' are escaped as in zone files ("\." and "\DDD"), so that no two wire names share a text form.
//
// LIMITS
//     63 bytes a label, 255 bytes a name (RFC 1035 2.3.4). A compression pointer must point to an earlier place than
//     the name that has it, so that reading always ends.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace umaya::dns {

/// Appends the wire form of a text name; false when a label or the whole is too long, empty or badly escaped.
bool append_name(std::string& wire, std::string_view text);

/// Reads the name at position of a whole message; nothing when it is malformed.
std::optional<std::string> read_name(std::string_view message, size_t& position);

/// A name that may be a mail host: letters, digits, '-', '_' and dots, no empty or overlong label, no label that
/// begins or ends with '-', not all numeric (RFC 1123 2.1 with the underscore that exists in practice).
bool valid_hostname(std::string_view name);

/// Lower case, without a trailing dot: the form to compare and to cache by.
std::string canonical_name(std::string_view text);

}  // namespace umaya::dns
