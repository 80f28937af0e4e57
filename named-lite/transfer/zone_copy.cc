#include "named-lite/transfer/zone_copy.h"

#include <algorithm>

#include "named-lite/dns/types.h"
#include "named-lite/dns/wire_record.h"
#include "named-lite/transfer/zone_file.h"
#include "named-lite/zone/checker.h"
#include "named-lite/zone/image_differences.h"
#include "named-lite/zone/image_lookup.h"
#include "named-lite/zone/image_records.h"
#include "named-lite/zone/merge_changes.h"

namespace umaya::named {

namespace {

constexpr uint64_t kLeastJournal = 1 << 20;
constexpr uint32_t kMostSet = 65535;

uint64_t most_journal(const ZoneCopy& copy, const ZoneImage& image) {
  if (copy.most_journal != 0) return copy.most_journal;
  return std::max<uint64_t>(kLeastJournal, 2 * uint64_t{image.header().size});
}

/// The first error of a whole zone; empty: none.
std::string error_of(const RecordList& records, const ZoneImage& image) {
  Problems problems;
  check_zone(records, image, problems);
  for (const Problem& problem : problems.all()) {
    if (problem.severity == Severity::error) return problem.what;
  }
  return problems.has_errors() ? "the zone has errors" : "";
}

bool may_be_beside_cname(uint16_t type) {
  constexpr uint16_t kKey = 25;
  return type == type::kCname || type == type::kRrsig || type == type::kNsec || type == kKey;
}

/// What would keep a zone file out of service, at one name.
std::string error_at(const ZoneImage& image, const Node& node) {
  std::string name = name_text(image.written_name(node));
  const RrsetEntry* cname = node.find(type::kCname);
  if (cname != nullptr && cname->count > 1) return "two CNAME at " + name;
  for (size_t i = 0; i < node.rrset_count; ++i) {
    const RrsetEntry& entry = node.rrsets()[i];
    if (entry.size > kMostSet) return "no answer can hold the records of type " + type_text(entry.type) + " at " + name;
    if (cname != nullptr && !may_be_beside_cname(entry.type)) return "CNAME and other data at " + name;
  }
  return {};
}

/// The same for the names that a change touches.
std::string error_of_change(const ZoneImage& image, const ZoneChange& change) {
  if (image.header().faults != 0) return "the zone is too large, or a name has too many types";
  if (image.apex().find(type::kNs) == nullptr) return "the zone has no name server (NS) at its own name";
  std::string_view before;
  for (const ZoneRecord& record : change.added) {
    if (record.owner == before) continue;
    before = record.owner;
    const Node* node = find_node(image, record.owner);
    std::string error = node != nullptr ? error_at(image, *node) : "";
    if (!error.empty()) return error;
  }
  return {};
}

/// Whether a step that begins at this image continues the journal.
bool follows_journal(Journal& journal, const ZoneId& zone, const ZoneImage& image) {
  auto state = journal.state(zone);
  return state && (!*state || (*state)->last_serial == image.header().serial);
}

/// The difference of a whole zone from the one before, as a step. False: the journal cannot have it.
bool journal_whole(const ZoneCopy& copy, const ZoneImage* former, const ZoneImage& image) {
  if (!copy.journal || !copy.differences || former == nullptr) return false;
  if (!serial_is_newer(image.header().serial, former->header().serial)) return false;
  if (!follows_journal(*copy.journal, copy.id, *former)) return false;
  std::vector<ZoneChange> steps(1, image_differences(*former, image));
  return copy.journal->append(copy.id, steps, most_journal(copy, image)).has_value();
}

/// Whether the file alone, before the journal is cleared, would be taken for an older part of the journal.
bool would_be_mixed(const ZoneCopy& copy, uint32_t serial) {
  auto steps = copy.journal->since(copy.id, serial, UINT64_MAX);
  return !steps || steps->has_value();
}

/// A zone that does not follow from the journal.
Result<> begin_anew(const ZoneCopy& copy, const RecordList& records, const ZoneImage& image) {
  if (!copy.journal) return write_zone_file(copy.path, records);
  if (would_be_mixed(copy, image.header().serial)) UMAYA_CHECK(copy.journal->clear(copy.id));
  auto written = write_zone_file(copy.path, records);
  UMAYA_CHECK(copy.journal->clear(copy.id));
  return written;
}

Result<> follow(const ZoneCopy& copy, const RecordList& records, const ZoneImage& image) {
  UMAYA_CHECK(write_zone_file(copy.path, records));
  return copy.journal->file_written(copy.id, image.header().serial);
}

CopyResult failed(std::string why) {
  CopyResult result;
  result.error = std::move(why);
  return result;
}

}  // namespace

CopyResult take_zone(const ZoneCopy& copy, const RecordList& records, const ImagePtr& former, uint64_t seed) {
  CopyResult result;
  auto image = std::make_shared<const ZoneImage>(compile_zone(records, seed));
  result.error = error_of(records, *image);
  if (!result.error.empty()) return result;
  bool journaled = journal_whole(copy, former.get(), *image);
  auto saved = journaled ? follow(copy, records, *image) : begin_anew(copy, records, *image);
  if (!saved) result.warning = saved.error().what;
  result.saved = saved.has_value();
  result.image = std::move(image);
  return result;
}

CopyResult take_steps(const ZoneCopy& copy, const ImagePtr& former, const std::vector<ZoneChange>& steps,
                      size_t large_zone) {
  if (auto fits = check_steps(steps); !fits) return failed(fits.error().what);
  ZoneChange change = merge_changes(steps);
  auto image = apply_change(former, change, large_zone);
  if (!image) return failed(image.error().what);
  CopyResult result;
  result.error = error_of_change(**image, change);
  if (!result.error.empty()) return result;
  result.image = *image;
  result.change = std::move(change);
  if (!copy.journal || !copy.journal->append(copy.id, steps, most_journal(copy, **image))) {
    // Without its place in the journal the zone must stand in its file.
    auto saved = begin_anew(copy, records_of(**image), **image);
    if (!saved) result.warning = saved.error().what;
    result.saved = saved.has_value();
    return result;
  }
  if (!copy.path.empty()) return result;
  // Nothing is read again after a restart: the journal is there for secondaries of ours only.
  if (auto dropped = copy.journal->file_written(copy.id, (*image)->header().serial); !dropped) {
    result.warning = dropped.error().what;
  }
  result.saved = true;
  return result;
}

Result<> save_copy(const ZoneCopy& copy, const ZoneImage& image) {
  UMAYA_CHECK(write_zone_file(copy.path, records_of(image)));
  if (!copy.journal) return {};
  return copy.journal->file_written(copy.id, image.header().serial);
}

bool wants_saving(const ZoneCopy& copy, const ZoneImage& image) {
  if (!copy.journal) return false;
  auto state = copy.journal->state(copy.id);
  return state && *state && (*state)->octets > most_journal(copy, image);
}

}  // namespace umaya::named
