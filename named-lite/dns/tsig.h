// NAME    tsig - messages that are signed with a shared key
//
// SYNOPSIS
//     TsigRecord record;
//     if (find_tsig(message, record) == TsigFound::yes) {
//       TsigCheck check = verify_request(message, record, keys, now);
//       … the answer …
//       TsigSigner signer(check);
//       size = signer.sign(out, size, now);
//     }
//     TsigStream stream(key, request_mac);                 // the answers to a request of ours, one or many
//     if (auto taken = stream.take(message, now); !taken) …
//
// DESCRIPTION
//     RFC 8945. A request carries a MAC over itself; the answer one over the request's MAC and itself; each further
//     message of a transfer one over the MAC before it and every message since. Sockets and clocks are the caller's.
//
// ERRORS
//     What the peer is told is a TSIG error: BADKEY and BADSIG in a record without a MAC, BADTIME and BADTRUNC in one
//     that is signed. All but none go with the response code NOTAUTH.
//
// LIMITS
//     Fudge 300 s. A key may say that MACs are cut, to half of their length and 10 octets at least. In a transfer 99
//     messages in a row may lack a record, the last may not.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "libcommon/base/result.h"
#include "named-lite/dns/name.h"

namespace umaya::named {

/// The algorithms of RFC 8945 6.
enum class TsigAlgorithm : unsigned char { md5, sha1, sha224, sha256, sha384, sha512 };

struct TsigKey {
  Name name;  ///< lower case
  TsigAlgorithm algorithm = TsigAlgorithm::sha256;
  size_t mac_size = 32;  ///< octets that are sent, and wanted
  std::string secret;
};

/// Sets algorithm and length from named.conf's words: "hmac-sha256", or "hmac-sha256-128" for a MAC that is cut to 128
/// bits. An error names the words there are.
Result<> set_algorithm(TsigKey& key, std::string_view text);

using TsigKeys = std::vector<TsigKey>;
/// The key of that name; nullptr when there is none.
const TsigKey* find_key(const TsigKeys& keys, std::string_view name);

enum class TsigError : uint16_t { none = 0, bad_signature = 16, bad_key = 17, bad_time = 18, bad_truncation = 22 };
/// "BADSIG" and so on.
std::string_view tsig_error_name(TsigError error);

/// A TSIG record as it came; views point into the message.
struct TsigRecord {
  size_t offset = 0;  ///< where the record begins
  Name key;           ///< lower case
  Name algorithm;     ///< lower case
  uint64_t time = 0;  ///< seconds since 1970
  uint16_t fudge = 0;
  std::string_view mac;
  uint16_t original_id = 0;
  uint16_t error = 0;
  std::string_view other;
};

enum class TsigFound : unsigned char { no, yes, malformed };

/// Looks for the record: it must be the last one of the message, and the only one of its type (RFC 8945 5.1).
TsigFound find_tsig(std::string_view message, TsigRecord& record);

/// What a server found out about a request; what it needs to sign the answer.
struct TsigCheck {
  TsigError error = TsigError::none;
  bool malformed = false;        ///< a MAC of a length that cannot be: FORMERR, unsigned
  const TsigKey* key = nullptr;  ///< set unless BADKEY
  Name key_name;                 ///< as the client named it
  Name algorithm;
  std::string mac;    ///< of the request
  uint64_t time = 0;  ///< of the request

  bool ok() const { return error == TsigError::none && !malformed; }
};

/// Checks the key, the MAC, the time and the length of the MAC, in this order (RFC 8945 5.2). now: seconds since 1970.
/// The keys must outlive what is returned.
TsigCheck verify_request(std::string_view message, const TsigRecord& record, const TsigKeys& keys, uint64_t now);

/// Signs the answers to one request, or one request of ours.
class TsigSigner {
 public:
  /// For a request of ours. The key must outlive the signer.
  explicit TsigSigner(const TsigKey& key);
  /// For the answers to a request that was checked.
  explicit TsigSigner(const TsigCheck& check);

  /// Octets that sign() adds at most.
  size_t room() const;
  /// Signs the message that fills the first size octets of the buffer; gives the new size, 0 when there is no room.
  size_t sign(std::span<char> buffer, size_t size, uint64_t now);
  /// The same for a message in a string.
  bool sign(std::string& message, uint64_t now);
  /// Of the last message that was signed: what its answers are checked with.
  const std::string& mac() const { return mac_; }

 private:
  const TsigKey* key_;
  Name key_name_;
  Name algorithm_;
  TsigError error_ = TsigError::none;
  uint64_t request_time_ = 0;
  std::string mac_;    // what the next MAC covers first
  bool first_ = true;  // later messages cover the timers only
};

/// Checks the answers to a request of ours.
class TsigStream {
 public:
  /// The key must outlive the stream.
  TsigStream(const TsigKey& key, std::string request_mac) : key_(&key), mac_(std::move(request_mac)) {}
  /// Takes the next message; an error says why it cannot be trusted.
  Result<> take(std::string_view message, uint64_t now);
  /// Whether all that was taken is covered by a MAC: ask at the end.
  bool complete() const { return unsigned_ == 0 && !first_; }

 private:
  const TsigKey* key_;
  std::string mac_;
  std::string pending_;  // messages since the last MAC
  size_t unsigned_ = 0;
  bool first_ = true;
};

}  // namespace umaya::named
