// NAME    types - record types: numbers, names, and how their data is laid out
//
// DESCRIPTION
//     One row for each type. The layout drives the zone-file parser, the compiler's name compression and the checker,
//     so that a type is described once. A layout is a string, one letter for each field:
//         n  domain name that RFC 1035 lets be compressed      N  domain name, never compressed (RFC 3597 4)
//         b  8-bit number    w  16-bit number    d  32-bit number    t  time in seconds, units allowed
//         4  IPv4 address    6  IPv6 address     s  character string S  one or more character strings
//         h  hexadecimal to the end              B  base64 to the end
//         q  text to the end of the data, without a length (CAA, URI)
//     An empty layout means that ldns reads the text; the data then holds no name that we care about.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace umaya::named {

namespace type {
inline constexpr uint16_t kA = 1, kNs = 2, kCname = 5, kSoa = 6, kNull = 10, kWks = 11, kPtr = 12, kMx = 15, kTxt = 16,
                          kAaaa = 28, kSrv = 33, kDname = 39, kOpt = 41, kDs = 43, kRrsig = 46, kNsec = 47,
                          kDnskey = 48, kNsec3 = 50, kSvcb = 64, kHttps = 65, kSpf = 99, kTkey = 249, kTsig = 250,
                          kIxfr = 251, kAxfr = 252, kMailb = 253, kMaila = 254, kAny = 255, kCaa = 257;
}  // namespace type

namespace rr_class {
inline constexpr uint16_t kIn = 1, kChaos = 3, kHesiod = 4, kNone = 254, kAny = 255;
}  // namespace rr_class

struct TypeInfo {
  uint16_t number;
  std::string_view name;
  std::string_view layout;
  std::string_view usage;  ///< "preference host-name": shown when the data is malformed
};

/// The row of a type; nullptr when there is none (the data is then opaque, RFC 3597).
const TypeInfo* type_info(uint16_t number);
/// The layout of a type's data, empty when unknown.
std::string_view type_layout(uint16_t number);
/// Octets of a field of a layout; 0 when that depends on what is in it.
size_t field_size(char kind);
/// "MX", "mx" or "TYPE15"; nothing when there is no such type.
std::optional<uint16_t> type_from_text(std::string_view text);
/// "MX", or "TYPE65280".
std::string type_text(uint16_t number);
/// "IN", "CH", "HS" or "CLASS1"; nothing otherwise.
std::optional<uint16_t> class_from_text(std::string_view text);
/// The mnemonic most like a mistyped one, empty when none is near.
std::string_view nearest_type(std::string_view text);

}  // namespace umaya::named
