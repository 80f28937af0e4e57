// NAME    answer - from the octets of a question to the octets of the answer
//
// SYNOPSIS
//     size_t n = answer_packet(packet, {.catalog = &catalog, .transport = Transport::udp, …}, out);   // 0: no answer
//
// DESCRIPTION
//     A pure function over a catalog: no socket, clock or allocation. Authoritative answers of RFC 1034 4.3.2 with
//     wildcards (4592), empty non-terminals, DNAME (6672), CNAME chains, referrals with glue (9471), SOA in negative
//     answers (2308), additional addresses for MX, NS and SRV, EDNS (6891), and one RRset for ANY over UDP (8482).
//     Authority records are left out of positive answers: they are not asked for and make answers truncate.
//
// LIMITS
//     11 CNAME or DNAME steps. UDP answers: the client's size, 512 without EDNS, at most `udp_limit`.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "named-lite/answer/catalog.h"
#include "named-lite/answer/query.h"

namespace umaya::named {

enum class Transport : unsigned char { udp, tcp };
enum class Access : unsigned char { allowed, refused };

struct AnswerContext {
  const Catalog* catalog = nullptr;  ///< nullptr: no view is for this client
  Transport transport = Transport::udp;
  Access access = Access::allowed;
  uint16_t udp_limit = 1232;
  size_t reserved = 0;  ///< octets to be left free for a signature
  uint16_t rcode = 0;   ///< an error that is decided already; 0: none
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
