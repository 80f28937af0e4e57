#include "named-lite/update/update_message.h"

#include "named-lite/answer/query.h"
#include "named-lite/dns/name.h"
#include "named-lite/dns/types.h"

namespace umaya::named {

namespace {

/// Types that no record of a zone has (RFC 2136 3.4.1.2).
bool is_meta(uint16_t type) {
  return type == 0 || type == type::kOpt || (type >= 128 && type <= 255);
}

/// RFC 2136 3.2.4.
bool prerequisite_fits(const WireRecord& record, uint16_t zone_class) {
  if (record.ttl != 0) return false;
  bool any_type = record.type == type::kAny;
  if (is_meta(record.type) && !any_type) return false;
  if (record.cls == rr_class::kAny || record.cls == rr_class::kNone) return !record.has_data;
  return record.cls == zone_class && !any_type;
}

/// RFC 2136 3.4.1.3.
bool update_fits(const WireRecord& record, uint16_t zone_class) {
  bool any_type = record.type == type::kAny;
  if (is_meta(record.type) && !any_type) return false;
  if (record.cls == zone_class) return !any_type;
  if (record.ttl != 0) return false;
  if (record.cls == rr_class::kAny) return !record.has_data;
  return record.cls == rr_class::kNone && !any_type;
}

/// Whether the data of a record may be missing: where the class is ANY or NONE, it says something else than data.
bool data_stand_alone(const WireRecord& record, uint16_t zone_class, bool prerequisite) {
  bool wanted = record.cls == zone_class || (record.cls == rr_class::kNone && !prerequisite);
  if (!wanted || record.has_data) return true;
  return type_layout(record.type).empty();  // NULL, APL and their like may be empty
}

using Fits = bool (*)(const WireRecord&, uint16_t);

uint16_t read_section(std::string_view packet, size_t& at, uint16_t count, UpdateMessage& update, bool prerequisite,
                      std::vector<WireRecord>& out) {
  Fits fits = prerequisite ? prerequisite_fits : update_fits;
  for (uint16_t i = 0; i < count; ++i) {
    WireRecord record;
    if (!read_record(packet, at, record, WireData::whole_or_none)) return rcode::kFormErr;
    if (!data_stand_alone(record, update.cls, prerequisite)) return rcode::kFormErr;
    if (!is_at_or_below(record.owner, update.zone)) return rcode::kNotZone;
    if (!fits(record, update.cls)) return rcode::kFormErr;
    if (record.ttl > INT32_MAX) record.ttl = 0;  // RFC 2181 8
    out.push_back(std::move(record));
  }
  return rcode::kNoError;
}

}  // namespace

uint16_t parse_update(std::string_view packet, UpdateMessage& update) {
  if (packet.size() < kMessageHeader || be16_at(packet, 4) != 1) return rcode::kFormErr;
  size_t at = kMessageHeader;
  std::string zone;
  if (!expand_name(packet, at, packet.size(), zone) || packet.size() - at < 4) return rcode::kFormErr;
  if (be16_at(packet, at) != type::kSoa) return rcode::kFormErr;  // RFC 2136 3.1.1
  update.cls = be16_at(packet, at + 2);
  at += 4;
  update.zone.assign(zone.size(), '\0');
  copy_lower(update.zone.data(), zone.data(), zone.size());
  uint16_t wrong = read_section(packet, at, be16_at(packet, 6), update, true, update.prerequisites);
  if (wrong != rcode::kNoError) return wrong;
  return read_section(packet, at, be16_at(packet, 8), update, false, update.updates);
}

}  // namespace umaya::named
