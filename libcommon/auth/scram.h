// NAME    scram - the server's side of SCRAM (RFC 5802, RFC 7677)
//
// SYNOPSIS
//     ScramServer scram(Hash::sha256, ScramServer::Plus::no, binding);
//     UMAYA_TRY(ScramServer::Names names, scram.read_first(message));
//     send(scram.challenge(keys, fresh_nonce()));
//     UMAYA_TRY(bool right, scram.read_final(answer, keys));
//     if (right) send(scram.last_word());
//
// DESCRIPTION
//     Plain code over messages. The keys of a user may be found between the first message and the challenge, or, where
//     only salt and iterations are known by then, be completed before the final message.
//     Channel binding: a -PLUS exchange must carry the binding of the connection; an exchange without it is refused
//     when the client says that it could have bound the channel and that we do not offer it although we do: somebody
//     has changed the list of mechanisms on the way (RFC 5802 6).
//
// ERRORS
//     permanent: the message is malformed, or the binding is not right; the exchange has failed.
//
// LIMITS
//     Messages of at most 4096 octets, names 1024, iterations 10,000,000.
#pragma once

#include <string>
#include <string_view>

#include "libcommon/auth/digest.h"
#include "libcommon/base/result.h"

namespace umaya::auth {

/// What the server keeps of a password (RFC 5802 3).
struct ScramKeys {
  uint32_t iterations = 0;
  std::string salt;
  std::string stored_key;
  std::string server_key;
};

inline constexpr uint32_t kScramIterations = 4096;  ///< for new keys and for passwords that are stored as they are
inline constexpr uint32_t kMostScramIterations = 10'000'000;

ScramKeys make_scram_keys(Hash hash, std::string_view password, std::string salt, uint32_t iterations);
/// Dovecot's form: iterations,salt,stored key,server key, the last three in base64 (RFC 5803 without its names).
Result<ScramKeys> parse_scram_keys(Hash hash, std::string_view text);
std::string scram_keys_text(const ScramKeys& keys);

/// What ties a TLS connection to the exchange.
struct ChannelBinding {
  std::string type;  ///< "tls-exporter"; empty: the channel cannot be bound
  std::string data;
};

class ScramServer {
 public:
  enum class Plus : uint8_t { no, yes };
  /// What the client calls itself.
  struct Names {
    std::string user;
    std::string authorize_as;  ///< empty: the same
  };

  ScramServer(Hash hash, Plus plus, ChannelBinding binding) : hash_(hash), plus_(plus), binding_(std::move(binding)) {}
  Result<Names> read_first(std::string_view message);
  /// nonce: ours, fresh for every exchange; printable, no comma.
  std::string challenge(const ScramKeys& keys, std::string_view nonce);
  /// Whether the client knows the password.
  Result<bool> read_final(std::string_view message, const ScramKeys& keys);
  /// Shows the client that we know it, too. After read_final() gave true.
  const std::string& last_word() const { return last_word_; }

 private:
  Result<void> read_flag(std::string_view flag);

  Hash hash_;
  Plus plus_;
  ChannelBinding binding_;
  std::string header_;  // gs2-header as it came
  std::string client_first_;
  std::string server_first_;
  std::string nonce_;
  std::string last_word_;
};

/// 24 octets of randomness in base64.
std::string fresh_scram_nonce();

}  // namespace umaya::auth
