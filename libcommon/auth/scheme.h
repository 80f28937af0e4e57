// NAME    scheme - stored passwords: "{SCHEME}data" as Dovecot writes them
//
// SYNOPSIS
//     UMAYA_TRY(StoredPassword stored, StoredPassword::parse("{SHA512-CRYPT}$6$…", "CRYPT"));
//     UMAYA_TRY(bool right, stored.verify("secret"));
//
// DESCRIPTION
//     PLAIN, CLEAR, CLEARTEXT · CRYPT and its kinds DES-, MD5-, SHA256-, SHA512-CRYPT, BLF-CRYPT, YESCRYPT (libcrypt) ·
//     SHA, SHA1, SHA256, SHA512, MD5 digests (PLAIN-MD5 in hexadecimal, LDAP-MD5 in base64) · SSHA, SSHA256, SSHA512,
//     SMD5 (digest and salt) · PBKDF2 · SCRAM-SHA-1, SCRAM-SHA-256 · ARGON2I, ARGON2ID (libargon2) · CRAM-MD5
//     (HMAC-MD5 is another name for it). A suffix .b64 or
//     .hex names the encoding of a digest. Comparing takes the same time wherever the difference is. Crypt kinds are
//     slow on purpose (is_slow()): call verify() of those in a worker.
//
// ERRORS
//     A scheme that is not known or data that are malformed are permanent errors that never mean "wrong password".
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libcommon/auth/cram_md5.h"
#include "libcommon/auth/digest.h"
#include "libcommon/auth/scram.h"
#include "libcommon/base/result.h"
#include "libcommon/base/secret.h"

namespace umaya::auth {

class StoredPassword {
 public:
  /// text: with or without {SCHEME}; default_scheme is used when there is none.
  static Result<StoredPassword> parse(std::string_view text, std::string_view default_scheme = "CRYPT");

  /// Whether this is the password.
  Result<bool> verify(std::string_view password) const;
  /// Takes milliseconds rather than microseconds.
  bool is_slow() const;
  /// A scheme that should be replaced: an attacker who has the file guesses billions a second.
  bool is_weak() const;
  /// The password itself, when it is stored as it is.
  std::optional<std::string_view> plain() const;
  /// Whether these are keys for CRAM-MD5, and the keys.
  bool has_cram_keys() const;
  Result<CramKeys> cram_keys() const;
  /// Whether these are keys for SCRAM with that hash, and the keys.
  bool has_scram_keys(Hash hash) const;
  Result<ScramKeys> scram_keys(Hash hash) const;
  /// Upper case, without braces and suffix.
  const std::string& scheme() const { return scheme_; }
  /// Kept as written, without {SCHEME}.
  const std::string& data() const { return data_; }

 private:
  enum class Encoding : unsigned char { base64, hex };
  Result<bool> verify_crypt(std::string_view password) const;
  Result<bool> verify_digest(std::string_view password) const;
  Result<bool> verify_pbkdf2(std::string_view password) const;
  Result<bool> verify_scram(std::string_view password) const;
  Result<bool> verify_argon2(std::string_view password) const;

  std::string scheme_;
  std::string data_;
  Encoding encoding_ = Encoding::base64;
};

/// "{SCHEME}data" for a new password with a fresh salt, for every scheme but DES-CRYPT. rounds: cost as the scheme
/// counts it; 0: its usual one.
Result<std::string> hash_password(std::string_view scheme, std::string_view password, uint32_t rounds = 0);

/// Names of all schemes that verify() knows.
std::vector<std::string_view> scheme_names();

}  // namespace umaya::auth
