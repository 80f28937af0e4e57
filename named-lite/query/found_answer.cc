#include "named-lite/query/found_answer.h"

#include "named-lite/answer/writer.h"
#include "named-lite/recursion/hash.h"

namespace umaya::named {

namespace {

constexpr uint8_t kAuthenticBit = 0x20;  // of the fourth octet of a header

/// AD goes to those who show that they understand it (RFC 6840 5.8).
bool understands_authentic(const Query& query, std::string_view packet) {
  return query.dnssec_ok || (static_cast<uint8_t>(packet[3]) & kAuthenticBit) != 0;
}

/// The owner of the first record where it is a part of the question's name; else that whole name.
std::string_view owner_of_first(const Query& query, std::string_view body) {
  std::string_view name = query.lower_name();
  if (body.size() < 2 || (static_cast<uint8_t>(body[0]) & 0xC0) != 0xC0) return name;
  size_t at = (static_cast<size_t>(static_cast<uint8_t>(body[0]) & 0x3F) << 8 | static_cast<uint8_t>(body[1]));
  bool within = at >= Writer::kHeader && at - Writer::kHeader < name.size();
  return within ? name.substr(at - Writer::kHeader) : name;
}

AnswerKind kind_of(const FoundAnswer& found) {
  if (found.rcode == rcode::kNxDomain) return AnswerKind::no_name;
  if (found.rcode != rcode::kNoError) return AnswerKind::error;
  return found.counts[0] > 0 ? AnswerKind::positive : AnswerKind::no_data;
}

}  // namespace

void write_flags(const Query& query, std::string_view packet, const FoundAnswer& found, Writer& writer) {
  writer.set_rcode(found.rcode);
  writer.set_extended_error(found.extended_error);
  writer.set_recursion_available(true);
  writer.set_authentic(found.authentic && understands_authentic(query, packet));
}

size_t write_found(const Query& query, std::string_view packet, const RecursivePlace& place, std::string_view options,
                   const FoundAnswer& found, std::span<char> out) {
  Writer writer(query, packet, out, place.limit(query), options);
  std::span<char> room = writer.room();
  if (!found.cut && found.body.size() <= room.size()) {
    found.body.copy(room.data(), found.body.size());
    writer.take_body(found.counts, found.body.size());
  } else {
    writer.truncate();
  }
  write_flags(query, packet, found, writer);
  return writer.finish();
}

AnswerReport report_on(const Query& query, const FoundAnswer& found) {
  AnswerReport report;
  report.kind = kind_of(found);
  bool of_zone = report.kind == AnswerKind::no_name && found.counts[0] == 0 && found.counts[1] > 0;
  report.source = hash_octets(of_zone ? owner_of_first(query, found.body) : query.lower_name(), 1);
  return report;
}

}  // namespace umaya::named
