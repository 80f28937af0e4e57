// NAME    envelope - what is known about a message apart from its text
//
// DESCRIPTION
//     Envelope holds the sender and the attributes as they stand in the queue file; visit() names every field. A field
//     that is empty or zero is left out there, and one that a reader does not know is kept in `extra`. The names are a
//     file format: they stay when versions of the programs change, and old files must be read. What services tell one
//     another of a message is services::Envelope, which says why it is another struct.
//     Recipient is one address that the message goes to, in the file and between services alike.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace umaya::queue {

/// RFC 3461 4.3: what a notice brings back; unset leaves it to bounce_size_limit.
enum class DsnReturn : uint8_t { not_given, full, headers };

/// RFC 3461 4.1, a set of bits; 0 means that the sender did not say (failure and delay, by our choice).
namespace notify {
inline constexpr uint8_t kNever = 1;
inline constexpr uint8_t kSuccess = 2;
inline constexpr uint8_t kFailure = 4;
inline constexpr uint8_t kDelay = 8;
/// Not of RFC 3461: this is an alias that was expanded. It gets nothing itself; its sender is told of the expansion.
inline constexpr uint8_t kExpanded = 16;

/// What the addresses behind an alias inherit: success was told as "expanded" and is not told again (RFC 3461 5.2.7.1).
inline uint8_t behind_alias(uint8_t bits) {
  if ((bits & kSuccess) == 0) return bits;
  const uint8_t rest = bits & static_cast<uint8_t>(~kSuccess);
  return rest == 0 ? kNever : rest;
}
}  // namespace notify

/// Whether a notice of that kind (one of the bits above) is to be sent to the sender of a recipient with these bits.
inline bool wants_notice(uint8_t bits, uint8_t kind) {
  return bits == 0 ? (kind & (notify::kFailure | notify::kDelay)) != 0 : (bits & kind) != 0;
}

/// Requests that bend the way of a message; bits of Envelope::flags.
namespace flag {
inline constexpr uint32_t kSmtpUtf8 = 1 << 0;        ///< the envelope or a header needs SMTPUTF8 (RFC 6531)
inline constexpr uint32_t kEightBit = 1 << 1;        ///< the text has bytes above 127 (BODY=8BITMIME)
inline constexpr uint32_t kVerifyOnly = 1 << 2;      ///< sendmail -bv: report what would be done, deliver nothing
inline constexpr uint32_t kRecordDelivery = 1 << 3;  ///< sendmail -v: report each delivery by mail
inline constexpr uint32_t kHold = 1 << 4;            ///< goes to the hold queue
inline constexpr uint32_t kDeferredOnly = 1 << 5;    ///< sendmail -odq: no attempt before the next queue run
inline constexpr uint32_t kInternal = 1 << 6;        ///< made by this system (notices); no access checks apply
}  // namespace flag

struct Envelope {
  static constexpr std::string_view kName = "envelope";

  std::string sender;           ///< without <>; empty is the null sender
  int64_t arrival_usec = 0;     ///< when the message came in, microseconds since 1970
  uint32_t flags = 0;           ///< bits of namespace flag
  std::string encoding;         ///< "7bit" or "8bit" when the client said so
  std::string rewrite_context;  ///< "local" or "remote"
  std::string content_filter;   ///< transport:nexthop of a FILTER action or of content_filter
  std::string redirect;         ///< a REDIRECT action: replaces all recipients
  std::string dsn_envid;        ///< RFC 3461 ENVID as decoded
  DsnReturn dsn_ret = DsnReturn::not_given;
  std::string verp_delimiters;  ///< XVERP: two characters
  std::string client_name;      ///< where it came from: verified name or "unknown"; empty when local
  std::string client_address;
  std::string client_port;
  std::string client_helo;
  std::string client_protocol;  ///< "SMTP" or "ESMTP"
  std::string sasl_method;
  std::string sasl_username;
  std::string sasl_sender;
  std::string log_id;                        ///< queue id that an upstream filter gave in XFORWARD
  std::map<std::string, std::string> extra;  ///< anything else, by name

  bool has(uint32_t flag_bit) const { return (flags & flag_bit) != 0; }

  static void visit(auto& self, auto&& v) {
    v("sender", self.sender);
    v("arrival_usec", self.arrival_usec);
    v("flags", self.flags);
    v("encoding", self.encoding);
    v("rewrite_context", self.rewrite_context);
    v("content_filter", self.content_filter);
    v("redirect", self.redirect);
    v("dsn_envid", self.dsn_envid);
    v("dsn_ret", self.dsn_ret);
    v("verp_delimiters", self.verp_delimiters);
    v("client_name", self.client_name);
    v("client_address", self.client_address);
    v("client_port", self.client_port);
    v("client_helo", self.client_helo);
    v("client_protocol", self.client_protocol);
    v("sasl_method", self.sasl_method);
    v("sasl_username", self.sasl_username);
    v("sasl_sender", self.sasl_sender);
    v("log_id", self.log_id);
    v("extra", self.extra);
  }
};

struct Recipient {
  static constexpr std::string_view kName = "recipient";

  std::string address;       ///< where it goes, after rewriting
  std::string original;      ///< as the client gave it; empty means the same
  std::string dsn_original;  ///< RFC 3461 ORCPT "type;address", decoded
  uint8_t notify = 0;        ///< bits of namespace notify

  /// The address as the client gave it.
  const std::string& original_or_address() const { return original.empty() ? address : original; }

  static void visit(auto& self, auto&& v) {
    v("address", self.address);
    v("original", self.original);
    v("dsn_original", self.dsn_original);
    v("notify", self.notify);
  }
};

}  // namespace umaya::queue
