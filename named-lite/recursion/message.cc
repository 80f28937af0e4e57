#include "named-lite/recursion/message.h"

#include "libcommon/base/bytes.h"
#include "libcommon/base/strings.h"
#include "named-lite/dns/types.h"
#include "named-lite/dns/wire.h"

namespace umaya::named {

namespace {

constexpr uint16_t kCookieOption = 10;

/// RFC 6891 6.1.2; an option that reaches beyond the record makes the whole message malformed. So does a cookie of
/// another length than RFC 7873 5.2.2 allows.
bool read_options(std::string_view data, Reply& reply) {
  ByteReader in(data);
  while (in.ok() && !in.at_end()) {
    uint16_t code = in.be16();
    std::string_view value = in.bytes(in.be16());
    if (!in.ok()) return false;
    if (code != kCookieOption || !reply.cookie.empty()) continue;
    bool client_only = value.size() == kClientCookie;
    if (!client_only &&
        (value.size() < kClientCookie + kLeastServerCookie || value.size() > kClientCookie + kMostServerCookie)) {
      return false;
    }
    reply.cookie = value;
  }
  return in.ok();
}

struct Head {
  uint16_t type;
  uint16_t cls;
  uint32_t ttl;
  size_t size;
};

bool read_opt(const Head& head, std::string_view owner, std::string_view data, Reply& reply) {
  if (reply.has_edns || owner.size() != 1) return false;
  reply.has_edns = true;
  reply.rcode = static_cast<uint16_t>(reply.rcode | (head.ttl >> 24) << 4);
  return read_options(data, reply);
}

bool read_record(std::string_view message, size_t& at, size_t section, Reply& reply) {
  std::string owner;
  if (!expand_name(message, at, message.size(), owner) || message.size() - at < 10) return false;
  Head head{be16_at(message, at), be16_at(message, at + 2), be32_at(message, at + 4), be16_at(message, at + 8)};
  at += 10;
  if (message.size() - at < head.size) return false;
  size_t data = at;
  at += head.size;
  if (head.type == type::kOpt) return section == 2 && read_opt(head, owner, message.substr(data, head.size), reply);
  if (head.cls != rr_class::kIn || head.type == type::kTsig) return true;
  if ((head.ttl & 0x80000000u) != 0) head.ttl = 0;  // RFC 2181 8
  for (char& c : owner) c = ascii_lower(c);
  ReplyRecord record{std::move(owner), head.type, head.ttl, {}};
  if (!expand_rdata(head.type, message, data, at, record.data)) return false;
  reply.sections[section].push_back(std::move(record));
  return true;
}

}  // namespace

std::optional<Reply> parse_reply(std::string_view message) {
  if (message.size() < kMessageHeader) return std::nullopt;
  Reply reply;
  reply.id = be16_at(message, 0);
  uint16_t flags = be16_at(message, 2);
  if ((flags & 0x8000) == 0 || (flags & 0x7800) != 0) return std::nullopt;
  reply.authoritative = (flags & 0x0400) != 0;
  reply.truncated = (flags & 0x0200) != 0;
  reply.recursion_available = (flags & 0x0080) != 0;
  reply.rcode = flags & 15;
  uint16_t questions = be16_at(message, 4);
  if (questions > 1) return std::nullopt;
  size_t at = kMessageHeader;
  if (questions == 1) {
    if (!expand_name(message, at, message.size(), reply.question) || message.size() - at < 4) return std::nullopt;
    reply.has_question = true;
    reply.question_type = be16_at(message, at);
    reply.question_class = be16_at(message, at + 2);
    at += 4;
  }
  if (reply.truncated) return reply;
  for (size_t section = 0; section < 3; ++section) {
    for (uint16_t i = be16_at(message, 6 + 2 * section); i > 0; --i) {
      if (!read_record(message, at, section, reply)) return std::nullopt;
    }
  }
  if (at != message.size()) return std::nullopt;
  return reply;
}

std::string write_question(const UpstreamQuestion& question) {
  std::string wire;
  ByteWriter out(wire);
  out.be16(question.id).be16(question.recursion_desired ? 0x0100 : 0);
  out.be16(1).be16(0).be16(0).be16(question.edns ? 1 : 0);
  out.bytes(question.name).be16(question.type).be16(rr_class::kIn);
  if (!question.edns) return wire;
  out.u8(0).be16(type::kOpt).be16(question.udp_size).be32(question.dnssec_ok ? 0x8000 : 0);
  if (question.cookie.empty()) {
    out.be16(0);
  } else {
    auto size = static_cast<uint16_t>(question.cookie.size());
    out.be16(static_cast<uint16_t>(size + 4)).be16(kCookieOption).be16(size).bytes(question.cookie);
  }
  return wire;
}

}  // namespace umaya::named
