// NAME    cram_md5 - what is kept of a password for CRAM-MD5 alone: HMAC-MD5, half way done
//
// DESCRIPTION
//     {CRAM-MD5}, which older Dovecots made by default: the states of MD5 behind the two padded keys (RFC 2104), outer
//     and inner, each four words, least octet first, in hexadecimal. It serves CRAM-MD5 as well as the password does.
//     OpenSSL does not let such states in or out, so MD5 (RFC 1321) is here once more.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "libcommon/base/result.h"

namespace umaya::auth {

struct CramKeys {
  using State = std::array<uint32_t, 4>;
  State outer{};
  State inner{};
};

CramKeys make_cram_keys(std::string_view password);
Result<CramKeys> parse_cram_keys(std::string_view hexadecimal);
std::string cram_keys_text(const CramKeys& keys);
/// HMAC-MD5 of the text under the password that the keys were made from: 16 octets.
std::string cram_digest(const CramKeys& keys, std::string_view text);

}  // namespace umaya::auth
