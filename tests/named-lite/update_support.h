// NAME    update_support - zones, changes and UPDATE packets for tests
#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "named-lite/answer/catalog.h"
#include "named-lite/dns/wire_record.h"
#include "named-lite/update/apply_update.h"
#include "named-lite/zone/image_lookup.h"
#include "named-lite/zone/image_records.h"
#include "named-lite/zone/record_text.h"
#include "tests/named-lite/zone_support.h"

namespace umaya::named::testing {

inline ImagePtr image_of(const std::string& text, const std::string& apex = "ex.test.") {
  Checked zone = check(apex, text);
  INFO(zone.text());
  REQUIRE_FALSE(zone.problems.has_errors());
  return ImagePtr(std::move(zone.image));
}

/// "owner ttl type data", sorted.
inline Lines lines_of(const std::vector<ZoneRecord>& records, const std::string& apex = "ex.test.") {
  Lines lines;
  for (const ZoneRecord& record : records) {
    lines.push_back(relative_text(record.owner, name(apex)) + " " + std::to_string(record.ttl) + " " +
                    type_text(record.type) + " " + rdata_text(record.type, record.rdata, name(apex)));
  }
  std::sort(lines.begin(), lines.end());
  return lines;
}

/// All records of an image.
inline Lines lines_of(const ZoneImage& image) {
  RecordList list = records_of(image);
  std::vector<ZoneRecord> records;
  for (const Record& record : list.records()) {
    records.push_back({std::string(list.owner(record)), record.type, record.ttl, std::string(list.rdata(record))});
  }
  return lines_of(records);
}

/// One record of a line of a zone file, relative to ex.test.; the SOA of the zone is not needed.
inline ZoneRecord record(const std::string& line) {
  Problems problems;
  ZoneTextOptions options{name("ex.test."), {}};
  RecordList list = parse_zone_text("$TTL 60\n" + line + "\n", "z", options, problems);
  REQUIRE(list.records().size() == 1);
  const Record& only = list.records()[0];
  return {std::string(list.owner(only)), only.type, only.ttl, std::string(list.rdata(only))};
}

/// A record of an UPDATE: with data in class IN or NONE, without for ANY and for what must not be there.
inline WireRecord with_data(const std::string& line, uint16_t cls = rr_class::kIn) {
  ZoneRecord r = record(line);
  return {r.owner, r.type, cls, cls == rr_class::kIn ? r.ttl : 0, r.rdata, true};
}
inline WireRecord without_data(const std::string& owner, uint16_t type, uint16_t cls) {
  return {std::string(name(owner).wire()), type, cls, 0, {}, false};
}

/// The octets of an UPDATE of ex.test.
inline std::string update_packet(const std::vector<WireRecord>& prerequisites, const std::vector<WireRecord>& updates,
                                 const std::string& zone = "ex.test.", uint16_t zone_class = rr_class::kIn) {
  std::string packet;
  auto be16 = [&](size_t v) { packet += {static_cast<char>(v >> 8), static_cast<char>(v)}; };
  be16(7);
  be16(opcode::kUpdate << 11);
  be16(1);
  be16(prerequisites.size());
  be16(updates.size());
  be16(0);
  packet += name(zone).wire();
  be16(type::kSoa);
  be16(zone_class);
  for (const auto* section : {&prerequisites, &updates}) {
    for (const WireRecord& r : *section) {
      packet += r.owner;
      be16(r.type);
      be16(r.cls);
      be16(r.ttl >> 16);
      be16(r.ttl & 0xFFFF);
      be16(r.rdata.size());
      packet += r.rdata;
    }
  }
  return packet;
}

}  // namespace umaya::named::testing
