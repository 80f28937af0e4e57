// NAME    wire - reads names and record data out of messages
//
// DESCRIPTION
//     Pointers must lead to what stands before them in the message, so that reading a name ends and costs at most as
//     many steps as a name has labels. A name never reaches beyond the end that the caller gives, which in the data of
//     a record is their end.
//
// ERRORS
//     False: malformed; what was appended until then is to be thrown away.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace umaya::named {

inline constexpr size_t kMessageHeader = 12;

inline uint16_t be16_at(std::string_view octets, size_t at) {
  return static_cast<uint16_t>(static_cast<unsigned char>(octets[at]) << 8 |
                               static_cast<unsigned char>(octets[at + 1]));
}
inline uint32_t be32_at(std::string_view octets, size_t at) {
  return static_cast<uint32_t>(be16_at(octets, at)) << 16 | be16_at(octets, at + 2);
}

/// Appends the name at this place without pointers (RFC 1035 4.1.4); `at` moves behind it.
bool expand_name(std::string_view message, size_t& at, size_t end, std::string& out);

/// Whether the data of SVCB and HTTPS have their priority and target (RFC 9460 2.2); true of every other type.
bool fits_service_binding(uint16_t type, std::string_view rdata);

/// Appends the data of a record, which lie from at to end, with their names written out; false when they do not fit
/// the layout of the type. Pointers are understood in the types of RFC 1035 and in those that RFC 3597 4 lists.
bool expand_rdata(uint16_t type, std::string_view message, size_t at, size_t end, std::string& out);

}  // namespace umaya::named
