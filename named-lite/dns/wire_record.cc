#include "named-lite/dns/wire_record.h"

#include "named-lite/dns/name.h"
#include "named-lite/dns/types.h"

namespace umaya::named {

namespace {

bool is_name(char kind) {
  return kind == 'n' || kind == 'N';
}

/// Octets of the character string that begins here; 0 when it does not end within the data.
size_t string_size(std::string_view octets, size_t at, size_t end) {
  if (at >= end) return 0;
  size_t size = 1 + size_t{static_cast<unsigned char>(octets[at])};
  return end - at < size ? 0 : size;
}

}  // namespace

bool read_record(std::string_view message, size_t& at, WireRecord& record, WireData data) {
  record.owner.clear();
  record.rdata.clear();
  if (!expand_name(message, at, message.size(), record.owner) || message.size() - at < 10) return false;
  record.type = be16_at(message, at);
  record.cls = be16_at(message, at + 2);
  record.ttl = be32_at(message, at + 4);
  // RFC 2181 8: a TTL of more than 31 bits counts as 0. In UPDATE a TTL may have to be 0: there it stays.
  if (data == WireData::whole && record.ttl > INT32_MAX) record.ttl = 0;
  size_t size = be16_at(message, at + 8);
  at += 10;
  if (message.size() - at < size) return false;
  record.has_data = size > 0;
  bool none = size == 0 && data == WireData::whole_or_none;
  if (!none && !expand_rdata(record.type, message, at, at + size, record.rdata)) return false;
  at += size;
  return true;
}

std::string canonical_rdata(uint16_t type, std::string_view rdata) {
  std::string out(rdata);
  size_t at = 0;
  for (char kind : type_layout(type)) {
    if (!is_name(kind)) {
      size_t size = kind == 's' ? string_size(rdata, at, rdata.size()) : field_size(kind);
      if (size == 0 || rdata.size() - at < size) return out;  // no name follows what has no size
      at += size;
      continue;
    }
    size_t end = at;
    while (end < rdata.size() && rdata[end] != 0) end += 1 + size_t{static_cast<unsigned char>(rdata[end])};
    if (end >= rdata.size()) return out;
    copy_lower(out.data() + at, rdata.data() + at, end - at);
    at = end + 1;
  }
  return out;
}

bool same_record(const ZoneRecord& a, const ZoneRecord& b) {
  if (a.type != b.type || a.rdata.size() != b.rdata.size() || !same_name(a.owner, b.owner)) return false;
  return a.rdata == b.rdata || canonical_rdata(a.type, a.rdata) == canonical_rdata(b.type, b.rdata);
}

void set_soa_serial(std::string& rdata, uint32_t serial) {
  for (size_t i = 0; i < 4; ++i) rdata[rdata.size() - 20 + i] = static_cast<char>(serial >> (24 - 8 * i));
}

}  // namespace umaya::named
