// NAME    answer - from the octets of a question to the octets of the answer
//
// SYNOPSIS
//     size_t n = answer_packet(packet, {.catalog = &catalog, .transport = Transport::udp, …}, out);   // 0: no answer
//
// DESCRIPTION
//     A pure function over a catalog: no socket, clock or allocation. Authoritative answers of RFC 1034 4.3.2 with
//     wildcards (4592), empty non-terminals, DNAME (6672), CNAME chains, referrals with glue (9471), SOA in negative
//     answers (2308), additional addresses for types that name hosts, EDNS (6891) with extended errors (8914), and one
//     set for ANY over UDP (RFC 8482). What may be left out, and in what order records come, is in AnswerConf.
//
// OWNERSHIP
//     What the context points to outlives the call; the report is filled in.
//
// LIMITS
//     11 CNAME or DNAME steps, 13 names in the additional section. UDP answers: the client's size, 512 without EDNS, at
//     most `udp_limit`.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "named-lite/answer/catalog.h"
#include "named-lite/answer/query.h"
#include "named-lite/config/answer_conf.h"

namespace umaya::named {

enum class Transport : unsigned char { udp, tcp };
enum class Access : unsigned char { allowed, refused };

/// What an answer is: rate limits count by it.
enum class AnswerKind : unsigned char { error, positive, no_data, no_name, referral };

struct AnswerReport {
  AnswerKind kind = AnswerKind::error;
  /// The same for all questions whose answer comes from one place: a node, a wildcard, a cut, the apex for names that
  /// do not exist.
  uint64_t source = 0;
  /// The last name, that of the question or one that aliases led to, is in no zone of the catalog.
  bool elsewhere = false;

  /// Only other name servers can tell the whole answer.
  bool is_others() const { return elsewhere || kind == AnswerKind::referral; }
};

struct AnswerContext {
  const Catalog* catalog = nullptr;  ///< nullptr: no view is for this client
  Transport transport = Transport::udp;
  Access access = Access::allowed;
  uint16_t udp_limit = 1232;
  size_t reserved = 0;                   ///< octets to be left free for a signature
  uint16_t rcode = 0;                    ///< an error that is decided already; 0: none
  const AnswerConf* settings = nullptr;  ///< nullptr: the defaults
  uint32_t turn = 0;                     ///< another number at each question, for the order of records
  bool one_zone = false;                 ///< aliases are not followed into other zones: not all are for this client
  std::string_view options;              ///< EDNS options of the answer, in wire form
  bool recursion_available = false;
  AnswerReport* report = nullptr;
};

inline constexpr size_t kMostAnswer = 65535;
inline constexpr int kMostSteps = 11;

/// Writes the answer to a question that was parsed; packet is where query.name points into. Returns its size.
size_t answer_query(const Query& query, std::string_view packet, const AnswerContext& context, std::span<char> out);
/// Writes an answer that holds the question and the response code of query or context alone (NOTIFY, RFC 1996 3.11).
size_t acknowledge(const Query& query, std::string_view packet, const AnswerContext& context, std::span<char> out);
/// Parses and answers; 0 when nothing may be sent.
size_t answer_packet(std::string_view packet, const AnswerContext& context, std::span<char> out);

}  // namespace umaya::named
