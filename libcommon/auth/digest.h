// NAME    digest - the hash functions that passwords and SASL mechanisms are made of
//
// DESCRIPTION
//     Thin forms of OpenSSL's digests, HMAC (RFC 2104) and PBKDF2 (RFC 8018 5.2) over whole strings. Results are bytes.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace umaya::auth {

enum class Hash : uint8_t { md5, sha1, sha256, sha512 };

/// Octets of a result: 16, 20, 32 or 64.
size_t digest_size(Hash hash);
/// Of first and second, one behind the other.
std::string digest(Hash hash, std::string_view first, std::string_view second = {});
std::string hmac(Hash hash, std::string_view key, std::string_view text);
/// One block, as long as a digest.
std::string pbkdf2(Hash hash, std::string_view password, std::string_view salt, uint32_t rounds);

}  // namespace umaya::auth
