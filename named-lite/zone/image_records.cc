#include "named-lite/zone/image_records.h"

#include <algorithm>

#include "named-lite/dns/types.h"

namespace umaya::named {

namespace {

/// Offset behind the name that begins here; it is not compressed, or ends with a pointer.
size_t name_end(std::string_view data, size_t at) {
  while (true) {
    auto length = static_cast<unsigned char>(data[at]);
    if (length >= 0xC0) return at + 2;
    at += 1 + static_cast<size_t>(length);
    if (length == 0) return at;
  }
}

std::string expanded(const ZoneImage& image, const Node& node, std::string_view layout, std::string_view rdata) {
  if (layout.find('n') == std::string_view::npos) return std::string(rdata);
  std::string out;
  size_t at = 0;
  for (char kind : layout) {
    if (kind == 'n') {
      out += image.expand(node, rdata, at).wire();
      at = name_end(rdata, at);
      continue;
    }
    size_t size = kind == 'w' ? 2 : 4;  // only MX and SOA mix names and numbers
    out += rdata.substr(at, size);
    at += size;
  }
  return out;
}

template <class Take>
void each_record(const ZoneImage& image, const Node& node, Take take) {
  for (size_t i = 0; i < node.rrset_count; ++i) {
    const RrsetEntry& entry = node.rrsets()[i];
    std::string_view data = image.data(entry);
    std::string_view layout = type_layout(entry.type);
    for (size_t at = 0; at < data.size();) {
      size_t size = static_cast<size_t>(static_cast<unsigned char>(data[at + 10])) << 8 |
                    static_cast<unsigned char>(data[at + 11]);
      uint32_t ttl;
      std::memcpy(&ttl, data.data() + at + 6, sizeof ttl);
      take(entry.type, __builtin_bswap32(ttl), expanded(image, node, layout, data.substr(at + 12, size)));
      at += 12 + size;
    }
  }
}

}  // namespace

std::vector<ZoneRecord> records_at(const ZoneImage& image, const Node& node) {
  std::vector<ZoneRecord> records;
  std::string owner{std::string_view(image.written_name(node))};
  each_record(image, node, [&](uint16_t type, uint32_t ttl, std::string rdata) {
    records.push_back({owner, type, ttl, std::move(rdata)});
  });
  return records;
}

void add_records(const ZoneImage& image, const Node& node, RecordList& list, uint16_t file) {
  if (node.rrset_count == 0) return;
  list.set_owner(image.written_name(node));
  each_record(image, node,
              [&](uint16_t type, uint32_t ttl, const std::string& rdata) { list.add(type, ttl, rdata, file, 0, 0); });
}

RecordList records_of(const ZoneImage& image) {
  RecordList list(Name::from_wire(image.apex_name()));
  uint16_t file = list.add_file({});
  list.reserve_for_text(image.bytes().size() / 2);
  std::vector<ZoneRecord> apex = records_at(image, image.apex());
  std::stable_partition(apex.begin(), apex.end(), [](const ZoneRecord& each) { return each.type == type::kSoa; });
  list.set_owner(image.apex_name());
  for (const ZoneRecord& each : apex) list.add(each.type, each.ttl, each.rdata, file, 0, 0);
  uint64_t cursor = 0;
  while (const Node* node = image.next(cursor)) {
    if (node != &image.apex()) add_records(image, *node, list, file);
  }
  return list;
}

bool same_rdata(uint16_t type, std::string_view a, std::string_view b) {
  if (a == b) return true;
  if (a.size() != b.size()) return false;
  size_t at = 0;
  for (char kind : type_layout(type)) {
    size_t size = 0;
    switch (kind) {
      case 'n':
      case 'N': {
        size_t end = name_end(a, at);
        if (end != name_end(b, at) || !same_name(a.substr(at, end - at), b.substr(at, end - at))) return false;
        at = end;
        continue;
      }
      case 'b':
        size = 1;
        break;
      case 'w':
        size = 2;
        break;
      case '4':
      case 'd':
      case 't':
        size = 4;
        break;
      case '6':
        size = 16;
        break;
      case 's':
        size = at < a.size() ? 1 + static_cast<size_t>(static_cast<unsigned char>(a[at])) : 0;
        break;
      default:
        return a.substr(at) == b.substr(at);
    }
    if (a.substr(at, size) != b.substr(at, size)) return false;
    at += size;
  }
  return a.substr(at) == b.substr(at);
}

}  // namespace umaya::named
