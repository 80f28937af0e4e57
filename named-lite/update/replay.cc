#include "named-lite/update/replay.h"

#include "named-lite/dns/wire_record.h"
#include "named-lite/zone/change_image.h"
#include "named-lite/zone/image_differences.h"
#include "named-lite/zone/merge_changes.h"

namespace umaya::named {

namespace {

/// The file as it is; the journal is given up.
Result<Replayed> take_file(Journal& journal, const ZoneId& zone, std::shared_ptr<const ZoneImage> file,
                           std::string why) {
  UMAYA_CHECK(journal.clear(zone));
  return Replayed{std::move(file), std::move(why) + ": the file is served and the journal begins anew"};
}

}  // namespace

Result<Replayed> replay_journal(Journal& journal, const ZoneId& zone, std::shared_ptr<const ZoneImage> file,
                                FileRule rule) {
  UMAYA_TRY(auto state, journal.state(zone));
  if (!state) return Replayed{std::move(file), {}};
  uint32_t serial = file->header().serial;
  UMAYA_TRY(auto steps, journal.since(zone, serial, UINT64_MAX));
  std::string serials = "the file has serial " + std::to_string(serial) + ", the journal goes from " +
                        std::to_string(state->first_serial) + " to " + std::to_string(state->last_serial);
  if (!steps) {
    bool edited_whole = state->file_step == state->next_step && serial_is_newer(serial, state->last_serial);
    if (edited_whole || rule == FileRule::file_counts) {
      return take_file(journal, zone, std::move(file), std::move(serials));
    }
    return permanent(serials + ": the file was changed without freezing the zone. Put back a file whose serial lies " +
                     "between them, or set ixfr-from-differences to give up what the journal has");
  }
  if (state->file_serial != serial) UMAYA_CHECK(journal.file_written(zone, serial));
  if (steps->empty()) return Replayed{std::move(file), {}};
  auto image = apply_change(file, merge_changes(*steps));
  if (image) {
    return Replayed{std::move(*image), std::to_string(steps->size()) + " changes of the journal, up to serial " +
                                           std::to_string(state->last_serial)};
  }
  std::string why = serials + ", and its changes do not fit the file: " + image.error().what;
  if (rule == FileRule::file_counts) return take_file(journal, zone, std::move(file), std::move(why));
  return permanent(std::move(why));
}

Result<> journal_differences(Journal& journal, const ZoneId& zone, const ZoneImage& before, const ZoneImage& after,
                             uint64_t most_octets) {
  std::vector<ZoneChange> steps{image_differences(before, after)};
  const ZoneChange& step = steps.front();
  if (step.removed.empty() && step.added.empty()) return {};
  UMAYA_TRY(auto state, journal.state(zone));
  bool follows = !state || state->last_serial == step.from_serial;
  if (!follows || !serial_is_newer(step.to_serial, step.from_serial)) return journal.clear(zone);
  UMAYA_CHECK(journal.append(zone, steps, most_octets));
  return journal.file_written(zone, step.to_serial);
}

Result<Replayed> load_with_journal(Journal* journal, ZoneLoad load) {
  if (journal == nullptr) {
    if (load.dynamic) return permanent("without its journal the zone would not be what it was");
    return Replayed{std::move(load.file), {}};
  }
  if (load.former && load.differences && !load.dynamic) {
    UMAYA_CHECK(journal_differences(*journal, load.id, *load.former, *load.file, load.most_octets));
    return Replayed{std::move(load.file), {}};
  }
  return replay_journal(*journal, load.id, std::move(load.file), load.rule);
}

}  // namespace umaya::named
