#include "named-lite/transfer/difference.h"

#include <algorithm>

#include "named-lite/dns/types.h"
#include "named-lite/transfer/change_stream.h"
#include "named-lite/zone/merge_changes.h"

namespace umaya::named {

namespace {

constexpr size_t kRecordHead = 10;  // type, class, TTL, length
constexpr uint64_t kLeastRead = 64 * 1024;

/// Leaves the steps that lead to this serial; false when none does.
bool end_at(std::vector<ZoneChange>& steps, uint32_t serial) {
  while (!steps.empty() && steps.back().to_serial != serial) steps.pop_back();
  return !steps.empty();
}

}  // namespace

uint64_t transfer_octets(const ZoneChange& change) {
  uint64_t octets = 0;
  for (const auto* records : {&change.removed, &change.added}) {
    for (const ZoneRecord& record : *records) {
      if (record.type != type::kSoa) octets += record.owner.size() + kRecordHead + record.rdata.size();
    }
  }
  return octets;
}

uint64_t transfer_octets(const ZoneImage& image) {
  const ZoneImage::Header& header = image.header();
  uint64_t beside = uint64_t{header.garbage} + header.bucket_count * sizeof(Bucket) + sizeof(ZoneImage::Header);
  return header.size - std::min<uint64_t>(header.size, beside);
}

std::optional<ZoneChange> difference_to(Journal& journal, const ZoneId& zone, const ZoneImage& image, uint32_t serial,
                                        unsigned ratio) {
  uint64_t most = ratio == 0 ? UINT64_MAX : transfer_octets(image) * ratio / 100;
  uint64_t most_read = ratio == 0 ? UINT64_MAX : 4 * most + kLeastRead;
  auto steps = journal.since(zone, serial, most_read);
  if (!steps || !*steps || !end_at(**steps, image.header().serial)) return std::nullopt;
  ZoneChange change = (*steps)->size() == 1 ? std::move((*steps)->front()) : merge_changes(**steps);
  if (!is_sendable(change) || transfer_octets(change) > most) return std::nullopt;
  return change;
}

}  // namespace umaya::named
