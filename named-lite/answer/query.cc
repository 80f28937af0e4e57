#include "named-lite/answer/query.h"

#include "libcommon/base/bytes.h"
#include "named-lite/dns/types.h"

namespace umaya::named {

namespace {

constexpr size_t kHeader = 12;
constexpr uint16_t kMinimumUdp = 512;

/// Steps over a name that may end in a pointer; the pointer is not followed.
void skip_name(ByteReader& in) {
  while (in.ok()) {
    uint8_t length = in.u8();
    if (length == 0) return;
    if (length >= 0xC0) {
      in.u8();
      return;
    }
    if (length > kMaxLabel) return in.fail();
    in.bytes(length);
  }
}

/// The name in the question: whole, without pointers.
bool question_name(std::string_view packet, Query& query) {
  size_t at = kHeader;
  while (at < packet.size()) {
    auto length = static_cast<unsigned char>(packet[at]);
    if (length > kMaxLabel) return false;
    at += 1 + static_cast<size_t>(length);
    if (at - kHeader > kMaxName) return false;
    if (length == 0) {
      query.name = packet.substr(kHeader, at - kHeader);
      copy_lower(query.lower.data(), query.name.data(), query.name.size());
      return true;
    }
  }
  return false;
}

/// RFC 6891 6.1.2: options that we do not know are ignored. False when they are malformed.
bool read_options(std::string_view data, Query& query) {
  ByteReader in(data);
  while (in.ok() && !in.at_end()) {
    uint16_t code = in.be16();
    std::string_view value = in.bytes(in.be16());
    if (!in.ok()) return false;
    if (code == edns_option::kNsid) query.wants_nsid = true;
    if (code == edns_option::kExpire) query.wants_expire = true;
    if (code == edns_option::kKeepalive) query.wants_keepalive = true;
    if (code != edns_option::kCookie || !query.cookie.empty()) continue;
    // RFC 7873 5.2.2
    if (value.size() != 8 && (value.size() < 16 || value.size() > 40)) return false;
    query.cookie = value;
  }
  return in.ok();
}

/// The records behind the question. False when they are malformed.
bool other_records(ByteReader& in, size_t answers, size_t authority, size_t additional, Query& query) {
  size_t total = answers + authority + additional;
  for (size_t i = 0; i < total; ++i) {
    size_t start = in.position();
    skip_name(in);
    bool root_owner = in.position() == start + 1;
    uint16_t type = in.be16();
    uint16_t cls = in.be16();
    uint32_t ttl = in.be32();
    std::string_view data = in.bytes(in.be16());
    if (!in.ok()) return false;
    if (type == type::kTsig) {
      // RFC 8945 5.1: the last record of all.
      if (i + 1 != total || i < answers + authority || cls != rr_class::kAny || ttl != 0) return false;
      query.is_signed = true;
    }
    if (type != type::kOpt) continue;
    if (i < answers + authority || !root_owner || query.has_edns || !read_options(data, query)) return false;
    query.has_edns = true;
    query.udp_size = cls < kMinimumUdp ? kMinimumUdp : cls;
    query.edns_version = static_cast<uint8_t>(ttl >> 16);
    query.dnssec_ok = (ttl & 0x8000) != 0;
  }
  return in.at_end();
}

bool read_question(std::string_view packet, ByteReader& in, Query& query) {
  if (!question_name(packet, query)) return false;
  in.bytes(query.name.size());
  query.type = in.be16();
  query.cls = in.be16();
  query.has_question = in.ok();
  return in.ok();
}

}  // namespace

ParsedAs parse_query(std::string_view packet, Query& query) {
  if (packet.size() < kHeader) return ParsedAs::drop;
  ByteReader in(packet);
  query.id = in.be16();
  uint16_t flags = in.be16();
  if ((flags & 0x8000) != 0) return ParsedAs::drop;  // an answer: answering it could go round for ever
  query.opcode = static_cast<uint8_t>(flags >> 11 & 15);
  query.recursion_desired = (flags & 0x0100) != 0;
  query.checking_disabled = (flags & 0x0010) != 0;
  query.has_question = query.has_edns = query.dnssec_ok = query.is_signed = false;
  query.wants_nsid = query.wants_keepalive = query.wants_expire = false;
  query.cookie = {};
  query.udp_size = kMinimumUdp;
  query.rcode = rcode::kNoError;
  query.name = {};
  uint16_t questions = in.be16();
  uint16_t answers = in.be16();
  uint16_t authority = in.be16();
  uint16_t additional = in.be16();
  bool update = query.opcode == opcode::kUpdate;
  if (query.opcode != opcode::kQuery && query.opcode != opcode::kNotify && !update) {
    query.rcode = rcode::kNotImp;
    return ParsedAs::answer;
  }
  query.rcode = rcode::kFormErr;
  // RFC 9619: exactly one question, or none beside a cookie.
  if (questions == 1 && !read_question(packet, in, query)) return ParsedAs::answer;
  if (questions > 1 || (questions == 0 && query.opcode != opcode::kQuery)) return ParsedAs::answer;
  bool transfer = query.has_question && query.type == type::kIxfr;  // carries the client's SOA (RFC 1995 3)
  bool notify = query.opcode == opcode::kNotify;
  if ((answers != 0 && !notify && !update) || (authority != 0 && !transfer && !update)) return ParsedAs::answer;
  bool fine = other_records(in, answers, authority, additional, query);
  if (!fine || (!query.has_question && query.cookie.empty())) {
    query.has_edns = query.is_signed = false;
    query.cookie = {};
    return ParsedAs::answer;
  }
  query.rcode = query.has_edns && query.edns_version > 0 ? rcode::kBadVers : rcode::kNoError;
  return ParsedAs::answer;
}

}  // namespace umaya::named
