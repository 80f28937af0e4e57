#include "named-lite/server/snapshot.h"

#include <malloc.h>

#include <algorithm>

#include "libcommon/base/clock.h"
#include "libcommon/base/random.h"
#include "libcommon/fs/file.h"
#include "named-lite/answer/local_zones.h"
#include "named-lite/server/bind_journal.h"
#include "named-lite/server/zone_source.h"
#include "named-lite/transfer/zone_file.h"
#include "named-lite/update/policy.h"
#include "named-lite/update/replay.h"
#include "named-lite/zone/checker.h"
#include "named-lite/zone/image_file.h"

namespace umaya::named {

namespace {

constexpr size_t kMostProblemLines = 50;

log::Level level_of(Severity severity) {
  return severity == Severity::error ? log::Level::error : log::Level::warning;
}

const ServedView* former_view(const Snapshot* before, const std::string& view) {
  if (before == nullptr) return nullptr;
  for (const auto& each : before->views) {
    if (each->conf.name == view) return each.get();
  }
  return nullptr;
}

/// The same zone in the snapshot before.
ImagePtr former_image(const Snapshot* before, const std::string& view, const std::string& zone) {
  const ServedView* former = former_view(before, view);
  return former != nullptr ? former->catalog.image_of(zone) : nullptr;
}

/// Whether the data that are served came from the file that the configuration names now.
bool is_of_same_file(const Snapshot* before, const NamedConf& conf, const std::string& view, const ZoneConf& zone) {
  const ServedView* former = former_view(before, view);
  const ZoneConf* known = former != nullptr ? former->zones.exactly(zone.name.wire()) : nullptr;
  return known != nullptr && known->type == zone.type && known->file == zone.file &&
         before->conf.directory == conf.directory;
}

/// The file of a secondary zone. Its times say when a primary last confirmed it; who transfers it anew replaces it.
ZoneSource saved_source(const ZoneConf& zone, const NamedConf& conf) {
  return {.name = zone.name, .directory = conf.directory, .file = zone.file, .keep_image = true, .is_touched = true};
}

/// What a secondary zone was saved with; the primary is asked whether it still holds.
ImagePtr load_saved(const ZoneConf& zone, const NamedConf& conf, uint64_t seed, std::vector<LogLine>& lines) {
  std::string path = zone_path(conf.directory, zone.file);
  if (path.empty() || file_time(path) == 0) return nullptr;
  Problems problems;
  LoadedZone loaded = load_zone_file(saved_source(zone, conf), seed, problems);
  ImagePtr image = loaded.image;
  if (!image) {
    lines.push_back({log::Level::warning, path + ": the saved zone cannot be read; it will be transferred"});
    return nullptr;
  }
  lines.push_back({log::Level::info, "zone " + zone.name.text() + "/IN: saved serial " +
                                         std::to_string(image->header().serial) + " is served" +
                                         (loaded.was_kept ? " (unchanged)" : "")});
  if (!loaded.note.empty()) lines.push_back({log::Level::info, path + ": " + loaded.note});
  return image;
}

/// The file together with its journal; null when they do not fit.
ImagePtr with_journal(ImagePtr file, ImagePtr former, const ZoneConf& zone, const ZoneId& id, Journal* journal,
                      std::vector<LogLine>& lines) {
  ZoneLoad load;
  load.id = id;
  load.file = std::move(file);
  load.former = std::move(former);
  load.dynamic = is_dynamic(zone);
  load.differences = brings_differences(zone);
  bool file_counts = load.differences || zone.type == ZoneType::secondary;
  load.rule = file_counts ? FileRule::file_counts : FileRule::journal_counts;
  load.most_octets = zone.settings->update.max_journal_size;
  auto replayed = load_with_journal(journal, std::move(load));
  std::string label = zone_label(zone, id.view);
  if (!replayed) {
    lines.push_back({log::Level::error, label + ": " + replayed.error().what});
    return nullptr;
  }
  if (!replayed->note.empty()) lines.push_back({log::Level::info, label + ": " + replayed->note});
  return std::move(replayed->image);
}

/// Changes that BIND left behind, and that nobody reads here.
void note_bind_journal(const NamedConf& conf, const ZoneConf& zone, uint32_t serial, const std::string& label,
                       std::vector<LogLine>& lines) {
  auto unwritten = unwritten_by_bind(conf, zone, serial);
  if (!unwritten) return;
  lines.push_back(
      {log::Level::warning, label + ": BIND has changes up to serial " + std::to_string(*unwritten) + " in " +
                                bind_journal_path(conf, zone) + ", the file has serial " + std::to_string(serial) +
                                ": they are not served. Let BIND write them into the file: rndc sync -clean"});
}

/// What another view shares with this one; that view has been loaded already.
void share(ServedView& view, const ZoneConf& zone, const Snapshot& snapshot) {
  for (const auto& each : snapshot.views) {
    if (each->conf.name != zone.in_view) continue;
    std::string lower(zone.name.lower().wire());
    ImagePtr image = each->catalog.image_of(lower);
    if (each->catalog.contains(lower)) view.catalog.add({std::move(lower), std::move(image)});
  }
}

void load_into(ServedView& view, const Snapshot& snapshot, const Snapshot* before, ZonesRead which,
               std::vector<LogLine>& lines) {
  const NamedConf& conf = snapshot.conf;
  Journal* journal = snapshot.journal.get();
  for (const ZoneConf* each : in_load_order(view.conf.zones)) {
    const ZoneConf& zone = *each;
    std::string lower(zone.name.lower().wire());
    if (zone.type == ZoneType::secondary) {
      ImagePtr image = former_image(before, view.conf.name, lower);
      if (!image) {
        image = load_saved(zone, conf, view.catalog.seed(), lines);
        if (image) image = with_journal(std::move(image), nullptr, zone, {view.conf.name, lower}, journal, lines);
      }
      view.catalog.add({std::move(lower), std::move(image)});
    }
    if (zone.type == ZoneType::in_view) share(view, zone, snapshot);
    if (zone.type != ZoneType::primary) continue;
    bool stays =
        is_dynamic(zone) || (which == ZonesRead::only_new && is_of_same_file(before, conf, view.conf.name, zone));
    if (ImagePtr image = stays ? former_image(before, view.conf.name, lower) : nullptr; image) {
      // The file of a dynamic zone may be older than it, and is read by thaw only.
      view.catalog.add({std::move(lower), std::move(image)});
      continue;
    }
    Problems problems;
    TimePoint start = monotonic_now();
    ImagePtr served = former_image(before, view.conf.name, lower);
    ZoneSource source = zone_source(conf, zone, served.get());
    source.policy.has_ptr = ptr_lookup(view.catalog);
    LoadedZone loaded = load_zone_file(source, view.catalog.seed(), problems);
    ImagePtr image = loaded.image;
    problems.sort();
    add_lines(problems, lines);
    std::string label = zone_label(zone, view.conf.name);
    if (image) {
      note_bind_journal(conf, zone, image->header().serial, label, lines);
      ImagePtr former = former_image(before, view.conf.name, lower);
      image = with_journal(std::move(image), std::move(former), zone, {view.conf.name, lower}, journal, lines);
    }
    if (image) {
      auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(monotonic_now() - start).count();
      lines.push_back({log::Level::info, label + ": loaded serial " + std::to_string(image->header().serial) + " (" +
                                             std::to_string(image->header().record_count) + " records, " +
                                             std::to_string(ms) + (loaded.was_kept ? " ms, unchanged)" : " ms)")});
      if (!loaded.note.empty()) lines.push_back({log::Level::info, label + ": " + loaded.note});
    } else if (image = served; image) {
      lines.push_back({log::Level::error, label + ": not loaded because of errors; serial " +
                                              std::to_string(image->header().serial) + " stays in service"});
    } else {
      lines.push_back({log::Level::error, label + ": not loaded because of errors; questions get SERVFAIL"});
    }
    view.catalog.add({std::move(lower), std::move(image)});
  }
}

/// Zones that are there by themselves, where the administrator has none of his own.
void add_local_zones(ServedView& view) {
  std::vector<OwnZone> own;
  for (const ZoneConf& zone : view.conf.zones) {
    if (zone.type == ZoneType::hint || zone.type == ZoneType::other) continue;
    bool forwards = zone.type == ZoneType::forward || zone.type == ZoneType::stub || zone.type == ZoneType::static_stub;
    own.push_back({zone.name, forwards});
  }
  for (const LocalZone& zone : local_zones(view.conf.answer, view.conf.recursion.recursion, own)) {
    auto image = std::make_shared<const ZoneImage>(compile_zone(zone.records, view.catalog.seed()));
    view.catalog.add({std::string(zone.name.wire()), std::move(image)});
  }
}

/// The seed of the first zone that was kept as an image, so that its questions are hashed once only; else a new one.
uint64_t first_seed(const ViewConf& view, const NamedConf& conf) {
  for (const ZoneConf& zone : view.zones) {
    if ((zone.type != ZoneType::primary && zone.type != ZoneType::secondary) || zone.file.empty()) continue;
    if (auto seed = saved_seed(image_path(zone_source(conf, zone, nullptr)))) return *seed;
  }
  return random_u64();
}

/// The journal of before, or the file's when a zone needs it or it is there.
std::shared_ptr<Journal> open_journal(const NamedConf& conf, const Snapshot* before, std::vector<LogLine>& lines) {
  std::string path = journal_path(conf);
  if (before != nullptr && before->journal && before->journal->path() == path) return before->journal;
  bool needed = file_time(path) != 0;
  for (const ViewConf& view : conf.views) {
    needed = needed || std::any_of(view.zones.begin(), view.zones.end(), keeps_journal);
  }
  if (!needed) return nullptr;
  auto journal = Journal::open(path);
  if (journal && !(*journal)->damage().empty()) {
    lines.push_back({log::Level::error,
                     (*journal)->damage() + ". What stands in no zone file is lost; zones of primaries are fetched"});
  }
  if (journal) return std::move(*journal);
  lines.push_back({log::Level::error, journal.error().what});
  return nullptr;
}

bool is_any(const Acl& acl) {
  if (acl.size() != 1 || acl[0].negated) return false;
  return acl[0].kind == AclElement::Kind::any || (acl[0].kind == AclElement::Kind::nested && is_any(acl[0].nested));
}

/// Whether a view takes every client and shows it all zones.
bool is_for_all(const ViewConf& view) {
  const ZoneSettings& settings = *view.settings;
  bool zones_open = std::all_of(view.zones.begin(), view.zones.end(), [&](const ZoneConf& zone) {
    return (zone.settings->allow_query == settings.allow_query || is_any(*zone.settings->allow_query)) &&
           (zone.settings->allow_query_on == settings.allow_query_on || is_any(*zone.settings->allow_query_on));
  });
  return zones_open && is_any(*view.match_clients) && is_any(*view.match_destinations) && !view.match_recursive_only &&
         is_any(*settings.allow_query) && (!settings.allow_query_on || is_any(*settings.allow_query_on));
}

}  // namespace

void add_lines(const Problems& problems, std::vector<LogLine>& lines) {
  size_t count = 0;
  for (const Problem& problem : problems.all()) {
    if (++count > kMostProblemLines) break;
    lines.push_back({level_of(problem.severity), problem.message()});
  }
  size_t hidden =
      problems.dropped() + (problems.all().size() > kMostProblemLines ? problems.all().size() - kMostProblemLines : 0);
  if (hidden > 0)
    lines.push_back({log::Level::warning, std::to_string(hidden) + " more problems: named-checkzone shows them"});
}

const ServedView* Snapshot::view_for(const Requester& client) const {
  for (const auto& view : views) {
    if (view->matches_all) return view.get();
    const ViewConf& of = view->conf;
    if (of.match_recursive_only && !client.recursive) continue;
    if (admits(*of.match_clients, client) && admits(*of.match_destinations, client.at_local())) return view.get();
  }
  return nullptr;
}

const ServedView* Snapshot::view_with(const ServedView& view, std::string_view zone) const {
  const ZoneConf* named = view.zones.exactly(zone);
  if (named == nullptr || named->type != ZoneType::in_view) return &view;
  for (const auto& each : views) {
    if (each->conf.name == named->in_view) return each.get();
  }
  return &view;
}

std::string zone_label(const ZoneConf& zone, const std::string& view) {
  return "zone " + zone.name.text() + "/IN" + (view == "_default" ? "" : "/" + view);
}

std::string journal_path(const NamedConf& conf) {
  return conf.directory + "/named-lite.journal";
}

bool is_dynamic(const ZoneConf& zone) {
  return zone.type == ZoneType::primary && allows_somebody(zone.settings->update.allow_update, zone.update_policy);
}

bool keeps_journal(const ZoneConf& zone) {
  return is_dynamic(zone) || brings_differences(zone) || zone.type == ZoneType::secondary;
}

bool brings_differences(const ZoneConf& zone) {
  Differences whose = zone.settings->update.from_differences;
  return whose == Differences::yes || (whose == Differences::primary && zone.type == ZoneType::primary) ||
         (whose == Differences::secondary && zone.type == ZoneType::secondary);
}

Snapshot make_snapshot(NamedConf conf, uint64_t seed) {
  Snapshot snapshot;
  for (const ViewConf& view : conf.views) {
    bool matches_all = is_for_all(view);
    bool counts_zones = std::any_of(view.zones.begin(), view.zones.end(), [](const ZoneConf& zone) {
      return zone.settings->statistics == ZoneStatistics::full;
    });
    bool differ = std::any_of(view.zones.begin(), view.zones.end(),
                              [&view](const ZoneConf& zone) { return zone.settings != view.settings; });
    auto& served = snapshot.views.emplace_back(
        std::make_unique<ServedView>(ServedView{view, Catalog(seed), matches_all, counts_zones, differ}));
    served->zones = ZoneIndex(served->conf.zones);
  }
  snapshot.conf = std::move(conf);
  return snapshot;
}

SnapshotPtr copy_of(const Snapshot& snapshot) {
  auto copy = std::make_shared<Snapshot>(make_snapshot(snapshot.conf, snapshot.views[0]->catalog.seed()));
  copy->journal = snapshot.journal;
  for (size_t i = 0; i < snapshot.views.size(); ++i) {
    for (const auto& zone : snapshot.views[i]->catalog.zones()) copy->views[i]->catalog.add(*zone);
  }
  return copy;
}

ImagePtr load_zone(const Name& name, const std::string& directory, const std::string& file, uint64_t seed,
                   Problems& problems) {
  return load_zone_file({.name = name, .directory = directory, .file = file}, seed, problems).image;
}

SnapshotResult build_snapshot(const ConfigFiles& files, SnapshotPtr before, ZonesRead which) {
  SnapshotResult result;
  Problems problems;
  NamedConf conf = parse_config_files(files, problems);
  add_lines(problems, result.lines);
  if (problems.has_errors()) return result;
  uint64_t seed = before ? before->views[0]->catalog.seed() : first_seed(conf.views[0], conf);
  auto snapshot = std::make_shared<Snapshot>(make_snapshot(std::move(conf), seed));
  snapshot->journal = open_journal(snapshot->conf, before.get(), result.lines);
  for (auto& view : snapshot->views) {
    load_into(*view, *snapshot, before.get(), which, result.lines);
    add_local_zones(*view);
  }
  malloc_trim(0);  // reading a large zone takes three times the memory that serving it needs
  result.snapshot = std::move(snapshot);
  return result;
}

SnapshotResult build_snapshot(const std::string& config_file, SnapshotPtr before) {
  auto files = read_config_files(config_file);
  if (files) return build_snapshot(*files, std::move(before));
  SnapshotResult result;
  result.lines.push_back({log::Level::error, files.error().what});
  return result;
}

}  // namespace umaya::named
