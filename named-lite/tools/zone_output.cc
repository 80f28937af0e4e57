#include "named-lite/tools/zone_output.h"

#include <fmt/core.h>

#include <algorithm>
#include <vector>

#include "named-lite/dns/types.h"
#include "named-lite/zone/image_records.h"
#include "named-lite/zone/record_text.h"

namespace umaya::named {

namespace {

/// The labels of a name from the root on, each with its length, so that comparing octets compares labels first.
std::string sort_key(std::string_view wire) {
  std::vector<std::string_view> labels;
  while (wire.size() > 1) {
    size_t size = static_cast<unsigned char>(wire[0]);
    labels.push_back(wire.substr(1, size));
    wire.remove_prefix(1 + size);
  }
  std::string key;
  for (auto label = labels.rbegin(); label != labels.rend(); ++label) {
    for (char c : *label) {
      // 0 ends a label: it comes before any octet of a longer one.
      auto octet = static_cast<unsigned char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
      if (octet <= 1) key += '\1';
      key += static_cast<char>(octet <= 1 ? octet + 1 : octet);
    }
    key += '\0';
  }
  return key;
}

struct Line {
  std::string key;
  const Record* record;
};

std::vector<Line> sorted_lines(const RecordList& list) {
  std::vector<Line> lines;
  lines.reserve(list.records().size());
  for (const Record& record : list.records()) lines.push_back({sort_key(list.owner(record)), &record});
  auto rank = [](uint16_t type) { return type == type::kSoa ? 0 : type == type::kNs ? 1 : 2 + int{type}; };
  std::stable_sort(lines.begin(), lines.end(), [&](const Line& a, const Line& b) {
    if (a.key != b.key) return a.key < b.key;
    return rank(a.record->type) < rank(b.record->type);
  });
  return lines;
}

}  // namespace

std::string zone_output(const ZoneImage& image, ZoneStyle style) {
  RecordList list = records_of(image);
  const Name origin = style == ZoneStyle::relative ? list.apex() : Name();
  std::string text;
  if (style == ZoneStyle::relative) text = "$ORIGIN " + list.apex().text() + "\n";
  const std::string* last = nullptr;
  std::vector<Line> lines = sorted_lines(list);
  for (const Line& line : lines) {
    const Record& record = *line.record;
    bool same = style == ZoneStyle::relative && last != nullptr && *last == line.key;
    std::string owner = same ? "" : relative_text(list.owner(record), origin);
    text += fmt::format("{:<40} {:>7} IN {}\t{}\n", owner, record.ttl, type_text(record.type),
                        rdata_text(record.type, list.rdata(record), origin));
    last = &line.key;
  }
  return text;
}

}  // namespace umaya::named
