// NAME    client_hello - the server name in a client's first message (RFC 6066 3)
//
// DESCRIPTION
//     Plain functions over foreign bytes. What is not a host name in the sense of RFC 6066 counts as no name: a client
//     cannot make us look for anything else in a table.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace umaya::tls {

/// The lower-case name of a host when it is one: letters, digits, hyphens and underscores in labels of 1 to 63 octets,
/// 253 together, no final dot, no address. Empty otherwise.
std::string valid_server_name(std::string_view name);

/// The host name in the body of a server_name extension; empty when there is none, or what stands there is none.
std::string parse_server_name(std::span<const unsigned char> extension);

}  // namespace umaya::tls
