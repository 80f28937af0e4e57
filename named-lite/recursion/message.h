// NAME    message - questions to other name servers, and their answers as values
//
// SYNOPSIS
//     std::string packet = write_question(question);
//     auto reply = parse_reply(bytes);         // nothing: it is no message
//
// DESCRIPTION
//     Owners come in lower case, names in the data are written out in the case in which they came. The work is linear
//     in the length of the message. Records of other classes than IN are left out.
//
// LIMITS  64 KiB. A name is read in at most 127 steps.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace umaya::named {

/// All records of one name and type. Owner: wire form, lower case. Data: names written out.
struct RrSet {
  std::string owner;
  uint16_t type = 0;
  uint32_t ttl = 0;
  std::vector<std::string> data{};
  std::vector<std::string> signatures{};  ///< data of the RRSIG records that cover it
  uint32_t signature_ttl = 0;
};

struct ReplyRecord {
  std::string owner;
  uint16_t type = 0;
  uint32_t ttl = 0;
  std::string data;
};

/// DNS cookies (RFC 7873): 8 octets of the client, 8 to 32 of the server.
inline constexpr size_t kClientCookie = 8;
inline constexpr size_t kLeastServerCookie = 8;
inline constexpr size_t kMostServerCookie = 32;

struct Reply {
  uint16_t id = 0;
  bool authoritative = false;
  bool truncated = false;
  bool recursion_available = false;
  bool has_question = false;
  bool has_edns = false;
  uint16_t rcode = 0;    ///< with the upper bits of EDNS
  std::string question;  ///< wire form, case as it came
  uint16_t question_type = 0;
  uint16_t question_class = 0;
  std::string cookie;  ///< data of the COOKIE option; empty: none
  std::array<std::vector<ReplyRecord>, 3> sections;

  const std::vector<ReplyRecord>& answer() const { return sections[0]; }
  const std::vector<ReplyRecord>& authority() const { return sections[1]; }
  const std::vector<ReplyRecord>& additional() const { return sections[2]; }
};

/// Reads an answer; nothing for what is no answer or is malformed. One that is truncated (TC) is read up to its
/// question: what follows is incomplete and not used.
std::optional<Reply> parse_reply(std::string_view message);

struct UpstreamQuestion {
  uint16_t id = 0;
  std::string_view name;  ///< wire form, as it is to be sent
  uint16_t type = 0;
  bool recursion_desired = false;
  bool edns = true;
  bool dnssec_ok = false;
  std::string_view cookie{};  ///< of client and server; empty: none
  uint16_t udp_size = 1232;
};

std::string write_question(const UpstreamQuestion& question);

}  // namespace umaya::named
