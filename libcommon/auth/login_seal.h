// NAME    login_seal - what the authentication server says of a user, carried by a process that is not believed
//
// SYNOPSIS
//     LoginSeal seal(random_key);                                       // the server
//     std::string sealed = seal.close(ticket, data, monotonic_now());
//
//     LoginSeal seal(key);                                              // who was told the key by the server
//     Result<LoginData> data = seal.open(sealed, ticket, monotonic_now());
//
// DESCRIPTION
//     A session process with rights must hear from the server itself who has logged in (REQUEST). Here the server's
//     word comes along with the log-in: encrypted and authenticated (AES-256-GCM) with a key that the carrying process
//     does not have, bound to its ticket, good for kLifetime and once. Both ends are processes of one host: the time in
//     it is that of the monotonic clock.
//
// ERRORS
//     open(): temporary. Not sealed with this key, for another ticket, too old, or opened before.
//
// LIMITS
//     What has been opened is remembered for the last kWindow log-ins; older ones are refused.
#pragma once

#include <bitset>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "libcommon/auth/auth_client.h"
#include "libcommon/base/clock.h"
#include "libcommon/base/secret.h"

struct evp_cipher_ctx_st;

namespace umaya::auth {

/// Numbers of which each is good once, in about ascending order.
class OnceOnly {
 public:
  static constexpr size_t kWindow = 65536;
  /// Whether the number is new. One that lies kWindow or more below the highest is not.
  bool take(uint64_t number);

 private:
  std::bitset<kWindow> taken_;
  uint64_t next_ = 0;  // all numbers from here on are new
};

class LoginSeal {
 public:
  static constexpr size_t kKeySize = 32;  ///< octets
  static constexpr Duration kLifetime = std::chrono::seconds(10);

  explicit LoginSeal(Secret key);
  LoginSeal(const LoginSeal&) = delete;
  LoginSeal& operator=(const LoginSeal&) = delete;
  ~LoginSeal();
  const Secret& key() const { return key_; }

  /// In base64. Empty when OpenSSL fails.
  std::string close(const LoginTicket& ticket, const LoginData& data, TimePoint now);
  Result<LoginData> open(std::string_view sealed, const LoginTicket& ticket, TimePoint now);

 private:
  struct ContextFree {
    void operator()(evp_cipher_ctx_st* context) const;
  };
  using Context = std::unique_ptr<evp_cipher_ctx_st, ContextFree>;
  bool prepare(Context& context, bool encrypts);

  Secret key_;
  Context encrypting_, decrypting_;
  uint64_t next_ = 0;  // each number is the nonce of one log-in
  OnceOnly opened_;
};

}  // namespace umaya::auth
