// NAME    header_surrogate - a header section with UTF-8 for clients that expect ASCII (RFC 6856, RFC 6858)
//
// SYNOPSIS
//     size_t size = header_size(block);                  // where the body begins, if the block holds all of the header
//     if (needs_surrogate(block.substr(0, size))) text = header_surrogate(block.substr(0, size));
//
// DESCRIPTION
//     Pure functions. Fields without 8-bit octets stay as they are, octet for octet. Of the others,
//       - words of text, names in front of addresses and comments become encoded words (RFC 2047),
//       - an address that is not ASCII itself becomes invalid@internationalized-address.invalid (RFC 6858),
//       - values of MIME parameters become their RFC 2231 form.
//     A header section that is no valid UTF-8 is none of RFC 6532's: nothing is done with it, as clients have always
//     got such mail.
//
// LIMITS
//     Linear in the size of its argument.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace umaya::pop3d {

/// Octets of the header section, its empty line included; 0 when its end is not in the text.
size_t header_size(std::string_view text);
/// True for a header section that holds UTF-8 beyond ASCII.
bool needs_surrogate(std::string_view header);
std::string header_surrogate(std::string_view header);

}  // namespace umaya::pop3d
