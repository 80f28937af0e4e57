// NAME    network_tables - the line protocols of tcp: and socketmap: tables
//
// DESCRIPTION
//     tcp: "get KEY\n" with %XX for what is not printable; replies "200 VALUE", "500 TEXT" (not found), "400 TEXT".
//     socketmap: netstrings, "NAME KEY"; replies "OK VALUE", "NOTFOUND ", "TEMP TEXT", "TIMEOUT TEXT", "PERM TEXT".
//
// ERRORS
//     What is not a reply is a temporary error, as is a PERM reply: an error of the table's server never bounces mail.
//
// LIMITS
//     tcp replies 4096 bytes, socketmap replies 100,000 bytes.
#pragma once

#include <string>
#include <string_view>

#include "libcommon/table/table.h"

namespace umaya::table {

inline constexpr size_t kMaxTcpReply = 4096;
inline constexpr size_t kMaxSocketmapReply = 100'000;

/// "get KEY\n".
std::string tcp_request(std::string_view key);
/// line is without or with its line end.
Lookup parse_tcp_reply(std::string_view line);
/// Resolves %XX; nothing for broken codes.
std::optional<std::string> percent_decode(std::string_view text);

/// "LENGTH:NAME KEY,".
std::string socketmap_request(std::string_view map, std::string_view key);
/// payload is the content of the netstring.
Lookup parse_socketmap_reply(std::string_view payload);

}  // namespace umaya::table
