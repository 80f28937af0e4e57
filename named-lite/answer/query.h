// NAME    query - a question as it came from the network
//
// SYNOPSIS
//     Query query;
//     switch (parse_query(packet, query)) { case ParsedAs::drop: …; case ParsedAs::answer: … }
//
// DESCRIPTION
//     Reads header, question and the OPT record with its options (RFC 1035 4.1, 6891), and sees a TSIG. NOTIFY (RFC
//     1996) has the same form and may carry the new SOA; of an UPDATE (RFC 2136) the zone is read as the question and
//     the rest only walked over. Nothing is allocated; the work is linear in the length of the packet. `rcode` is set
//     when the answer is already decided: FORMERR, NOTIMP, BADVERS. A packet without a question is answered when it
//     carries a cookie (RFC 7873 5.4).
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "named-lite/dns/name.h"

namespace umaya::named {

namespace rcode {
inline constexpr uint16_t kNoError = 0, kFormErr = 1, kServFail = 2, kNxDomain = 3, kNotImp = 4, kRefused = 5,
                          kYxDomain = 6, kYxRrset = 7, kNxRrset = 8, kNotAuth = 9, kNotZone = 10, kBadVers = 16,
                          kBadCookie = 23;
}  // namespace rcode

struct Query {
  uint16_t id;
  uint8_t opcode;
  bool recursion_desired;
  bool checking_disabled;
  bool has_question;  ///< name, type and class below are valid
  bool has_edns;
  bool dnssec_ok;
  uint8_t edns_version;
  uint16_t udp_size;  ///< what the client can take: at least 512
  uint16_t type;
  uint16_t cls;
  uint16_t rcode;                    ///< 0, or the error to answer with
  bool wants_nsid;                   ///< RFC 5001
  bool wants_keepalive;              ///< RFC 7828
  bool wants_expire;                 ///< RFC 7314
  std::string_view cookie;           ///< RFC 7873: 8 octets of the client, and 8 to 32 of a server; empty: none
  bool is_signed;                    ///< the last record is a TSIG (RFC 8945); its content is not looked at
  std::string_view name;             ///< wire form, in the packet
  std::array<char, kMaxName> lower;  ///< the same in lower case
  std::string_view lower_name() const { return {lower.data(), name.size()}; }
};

namespace opcode {
inline constexpr uint8_t kQuery = 0, kNotify = 4, kUpdate = 5;
}  // namespace opcode

namespace edns_option {
inline constexpr uint16_t kNsid = 3, kExpire = 9, kCookie = 10, kKeepalive = 11;
}  // namespace edns_option

enum class ParsedAs : unsigned char { drop, answer };

/// drop: no answer may be given at all (shorter than a header, or itself an answer).
/// The packet must outlive the query.
ParsedAs parse_query(std::string_view packet, Query& query);

}  // namespace umaya::named
