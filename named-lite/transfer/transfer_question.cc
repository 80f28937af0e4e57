#include "named-lite/transfer/transfer_question.h"

#include <algorithm>

#include "libcommon/base/bytes.h"
#include "named-lite/dns/types.h"
#include "named-lite/dns/wire_record.h"

namespace umaya::named {

namespace {

constexpr size_t kAnswerCount = 6;  // where it stands in a message, as the next
constexpr size_t kAuthorityCount = 8;

/// The serial in the first record behind the question, when that is the SOA of the zone.
std::optional<uint32_t> first_serial(std::string_view packet, const Query& query) {
  size_t at = kMessageHeader + query.name.size() + 4;
  WireRecord soa;
  if (!read_record(packet, at, soa)) return std::nullopt;
  bool fits = soa.type == type::kSoa && soa.cls == rr_class::kIn && same_name(soa.owner, query.lower_name());
  if (!fits) return std::nullopt;
  return soa_serial(soa.rdata);
}

}  // namespace

std::string zone_question(const Name& zone, uint16_t type, uint16_t id) {
  std::string message;
  ByteWriter out(message);
  out.be16(id).be16(0).be16(1).be16(0).be16(0).be16(0).bytes(zone.wire()).be16(type).be16(rr_class::kIn);
  return message;
}

std::string ixfr_question(const ZoneRecord& soa, uint16_t id) {
  std::string message = zone_question(Name::from_wire(soa.owner), type::kIxfr, id);
  message[kAuthorityCount + 1] = 1;
  ByteWriter out(message);
  out.bytes(soa.owner).be16(type::kSoa).be16(rr_class::kIn).be32(soa.ttl);
  out.be16(static_cast<uint16_t>(soa.rdata.size())).bytes(soa.rdata);
  return message;
}

std::optional<uint32_t> serial_in_question(std::string_view packet, const Query& query) {
  if (be16_at(packet, kAuthorityCount) != 1) return std::nullopt;
  return first_serial(packet, query);
}

std::optional<uint32_t> serial_in_notify(std::string_view packet, const Query& query) {
  if (be16_at(packet, kAnswerCount) == 0) return std::nullopt;
  return first_serial(packet, query);
}

std::string transfer_head(const Query& query, std::string_view packet) {
  std::string head(packet.substr(0, kMessageHeader + query.name.size() + 4));
  head[2] = static_cast<char>(0x84 | (query.recursion_desired ? 1 : 0));  // an answer, with authority
  std::fill(head.begin() + 3, head.begin() + kMessageHeader, '\0');
  head[5] = 1;
  return head;
}

}  // namespace umaya::named
