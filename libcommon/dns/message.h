// NAME    message - DNS queries and answers as bytes
//
// SYNOPSIS
//     auto wire = dns::build_query({.id = id, .name = "example.org", .type = dns::Type::mx});
//     auto message = dns::parse_message(bytes);
//     if (message && message->answers_query(query)) dns::Answer a = dns::interpret(*message, query);
//
// DESCRIPTION
//     What a stub resolver needs of RFC 1035, 6891 (EDNS) and 2308 (negative answers), without I/O. An Answer keeps
//     apart what the name service said: found, "no such data", "no such name" on one side, and on the other every
//     way of not knowing. Only the first three are definite.
//
// ERRORS
//     parse_message gives nothing for bytes that are no message. A record whose data do not fit its type is left out
//     and counted in Message::malformed; when nothing else is left of an answer, that is Status::malformed (temporary).
//
// LIMITS
//     kMaxRecords records of the type asked for are kept, the others are dropped; kMaxAliases CNAMEs are followed.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libcommon/net/address.h"

namespace umaya::dns {

/// Record types that mail needs; any other number may stand here too.
enum class Type : uint16_t {
  none = 0,
  a = 1,
  ns = 2,
  cname = 5,
  soa = 6,
  ptr = 12,
  mx = 15,
  txt = 16,
  aaaa = 28,
  opt = 41,
  tlsa = 52
};
/// "MX", "AAAA", …, "TYPE65280" (RFC 3597).
std::string type_name(Type type);

inline constexpr size_t kMaxRecords = 100;
inline constexpr int kMaxAliases = 10;
inline constexpr uint16_t kEdnsSize = 1232;

/// What became of a question.
enum class Status : unsigned char {
  found,      ///< there are records
  no_data,    ///< the name exists and has no record of this type: definite
  no_name,    ///< the name does not exist (NXDOMAIN): definite
  fail,       ///< the name server failed (SERVFAIL, NOTIMP, …)
  refused,    ///< the name server does not answer us (REFUSED)
  timed_out,  ///< no server answered in time
  malformed,  ///< the answer made no sense, or the chain of aliases has no end
  invalid,    ///< the name asked for cannot be a domain name: definite, nothing was sent
};
/// True when asking again later cannot give another result that we should wait for.
bool is_definite(Status status);
/// Postfix's words: "Host not found", "Host not found, try again", …
std::string_view status_text(Status status);

/// One resource record; which members are set depends on the type.
struct Record {
  std::string name;  ///< owner, text form
  Type type = Type::none;
  uint32_t ttl = 0;          ///< seconds
  net::IpAddress address{};  ///< A, AAAA
  uint16_t preference = 0;   ///< MX
  std::string target{};      ///< MX, CNAME, PTR, NS: a name; SOA: the primary server
  std::string data{};        ///< TXT: the strings joined; SOA and others: the raw data
  uint32_t minimum = 0;      ///< SOA: TTL of negative answers
};

struct Query {
  uint16_t id = 0;
  std::string name;
  Type type = Type::none;
  bool recursion = true;
  bool edns = true;
  bool dnssec = false;  ///< sets DO, so that the server tells AD
};

/// The wire form of a query; nothing when the name cannot be a domain name.
std::optional<std::string> build_query(const Query& query);

enum class Rcode : uint8_t { ok = 0, format = 1, failure = 2, no_name = 3, not_implemented = 4, refused = 5 };

struct Message {
  uint16_t id = 0;
  bool is_response = false;
  bool truncated = false;
  bool authoritative = false;
  bool authenticated = false;  ///< AD
  bool recursion_available = false;
  Rcode rcode = Rcode::ok;
  std::string question;  ///< text form
  Type question_type = Type::none;
  uint16_t question_class = 0;
  uint16_t questions = 0;
  std::vector<Record> answers;
  std::vector<Record> authority;  ///< SOA and NS only
  size_t malformed = 0;           ///< records that were left out because their data do not fit their type
  size_t dropped = 0;             ///< records beyond kMaxRecords

  /// A response to exactly this question (RFC 5452 9.1: id, name, type and class agree).
  bool answers_query(const Query& query) const;
};

/// Reads a message. A truncated one (TC) may end anywhere; otherwise every announced record must be there.
std::optional<Message> parse_message(std::string_view wire);

/// The result of a look-up.
struct Answer {
  Status status = Status::timed_out;
  std::string name;  ///< the name at the end of the aliases
  Type type = Type::none;
  std::vector<Record> records;  ///< of the type asked for
  uint32_t ttl = 0;             ///< seconds that this may be remembered
  bool authenticated = false;
  bool is_alias = false;  ///< CNAMEs were followed
  std::string alias{};    ///< when the chain leaves the message: the name to ask next (records is empty)

  bool found() const { return status == Status::found; }
  /// "Host or domain name not found. Name service error for name=N type=T: …", as Postfix words it.
  std::string error_text() const;
};

/// What the message says about the query: follows the aliases in it, picks the records, finds the negative TTL.
Answer interpret(const Message& message, const Query& query);

}  // namespace umaya::dns
