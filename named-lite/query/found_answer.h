// NAME    found_answer - what other name servers have answered, as it is written for a client
//
// SYNOPSIS
//     size_t size = write_found(query, packet, place, options, found, out);
//     AnswerReport report = report_on(query, found);    // for rate limits
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <string_view>

#include "named-lite/answer/answer.h"
#include "named-lite/dns/extended_error.h"

namespace umaya::named {

/// For whom an answer is written.
struct RecursivePlace {
  uint16_t view = 0;  ///< number in the configuration
  Transport transport = Transport::udp;
  uint16_t udp_limit = 1232;
  size_t reserved = 0;        ///< octets to be left free for a signature
  bool client_known = false;  ///< it is where it says: TCP, a valid cookie, a signature

  size_t limit(const Query& query) const {
    return (transport == Transport::tcp ? kMostAnswer : std::min(query.udp_size, udp_limit)) - reserved;
  }
};

struct FoundAnswer {
  uint16_t rcode = 0;
  uint16_t counts[3] = {0, 0, 0};
  bool authentic = false;
  uint16_t extended_error = extended_error::kNone;
  std::string_view body{};  ///< as in RecursiveAnswer
  bool dropped = false;     ///< a quota is used up: no answer is to be given
  bool cut = false;         ///< so many wait for the client's network that it must ask over TCP
};

class Writer;

/// Sets what stands beside the records.
void write_flags(const Query& query, std::string_view packet, const FoundAnswer& found, Writer& writer);
/// Writes the answer, truncated when it does not fit. options: EDNS options in wire form. Returns its size.
size_t write_found(const Query& query, std::string_view packet, const RecursivePlace& place, std::string_view options,
                   const FoundAnswer& found, std::span<char> out);
/// What rate limits count the answer as. Names that do not exist are those of one zone, as far as the body tells.
AnswerReport report_on(const Query& query, const FoundAnswer& found);

}  // namespace umaya::named
