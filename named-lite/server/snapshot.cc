#include "named-lite/server/snapshot.h"

#include <malloc.h>

#include <algorithm>

#include "libcommon/base/clock.h"
#include "libcommon/base/random.h"
#include "libcommon/fs/file.h"
#include "named-lite/transfer/zone_file.h"
#include "named-lite/zone/checker.h"
#include "named-lite/zone/image_file.h"
#include "named-lite/zone/zone_loader.h"

namespace umaya::named {

namespace {

constexpr size_t kMostConfigText = size_t{16} << 20;
constexpr size_t kMostProblemLines = 50;

log::Level level_of(Severity severity) {
  return severity == Severity::error ? log::Level::error : log::Level::warning;
}

void report(const Problems& problems, std::vector<LogLine>& lines) {
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

/// The same zone in the snapshot before.
ImagePtr former_image(const Snapshot* before, const std::string& view, const std::string& zone) {
  if (before == nullptr) return nullptr;
  for (const auto& each : before->views) {
    if (each->conf.name == view) return each->catalog.image_of(zone);
  }
  return nullptr;
}

/// What a secondary zone was saved with; the primary is asked whether it still holds.
ImagePtr load_saved(const ZoneConf& zone, const NamedConf& conf, uint64_t seed, std::vector<LogLine>& lines) {
  std::string path = zone_path(conf.directory, zone.file);
  if (path.empty() || file_time(path) == 0) return nullptr;
  Problems problems;
  ImagePtr image = load_zone(zone.name, conf.directory, zone.file, seed, problems);
  if (!image) {
    lines.push_back({log::Level::warning, path + ": the saved zone cannot be read; it will be transferred"});
    return nullptr;
  }
  lines.push_back({log::Level::info, "zone " + zone.name.text() + "/IN: saved serial " +
                                         std::to_string(image->header().serial) + " is served"});
  return image;
}

void load_into(ServedView& view, const NamedConf& conf, const Snapshot* before, std::vector<LogLine>& lines) {
  for (const ZoneConf& zone : view.conf.zones) {
    std::string lower(zone.name.lower().wire());
    if (zone.type == ZoneType::secondary) {
      ImagePtr image = former_image(before, view.conf.name, lower);
      if (!image) image = load_saved(zone, conf, view.catalog.seed(), lines);
      view.catalog.add({std::move(lower), std::move(image)});
    }
    if (zone.type != ZoneType::primary) continue;
    Problems problems;
    TimePoint start = monotonic_now();
    LoadedZone loaded =
        load_zone_file({.name = zone.name, .directory = conf.directory, .file = zone.file, .keep_image = true},
                       view.catalog.seed(), problems);
    ImagePtr image = loaded.image;
    problems.sort();
    report(problems, lines);
    std::string label = "zone " + zone.name.text() + "/IN" + (view.conf.name == "_default" ? "" : "/" + view.conf.name);
    if (image) {
      auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(monotonic_now() - start).count();
      lines.push_back({log::Level::info, label + ": loaded serial " + std::to_string(image->header().serial) + " (" +
                                             std::to_string(image->header().record_count) + " records, " +
                                             std::to_string(ms) + (loaded.was_kept ? " ms, unchanged)" : " ms)")});
      if (!loaded.note.empty()) lines.push_back({log::Level::info, label + ": " + loaded.note});
    } else if (image = former_image(before, view.conf.name, lower); image) {
      lines.push_back({log::Level::error, label + ": not loaded because of errors; serial " +
                                              std::to_string(image->header().serial) + " stays in service"});
    } else {
      lines.push_back({log::Level::error, label + ": not loaded because of errors; questions get SERVFAIL"});
    }
    view.catalog.add({std::move(lower), std::move(image)});
  }
}

/// The seed of the first zone that was kept as an image, so that its questions are hashed once only; else a new one.
uint64_t first_seed(const ViewConf& view, const NamedConf& conf) {
  for (const ZoneConf& zone : view.zones) {
    if (zone.type != ZoneType::primary) continue;
    if (auto seed = saved_seed(
            image_path({.name = zone.name, .directory = conf.directory, .file = zone.file, .keep_image = true})))
      return *seed;
  }
  return random_u64();
}

bool is_any(const Acl& acl) {
  if (acl.size() != 1 || acl[0].negated) return false;
  return acl[0].kind == AclElement::Kind::any || (acl[0].kind == AclElement::Kind::nested && is_any(acl[0].nested));
}

}  // namespace

const ServedView* Snapshot::view_for(const Requester& client) const {
  for (const auto& view : views) {
    if (view->matches_all || admits(*view->conf.match_clients, client)) return view.get();
  }
  return nullptr;
}

SnapshotPtr with_zone(const Snapshot& before, std::string_view view, std::string_view zone, ImagePtr image) {
  auto snapshot = std::make_shared<Snapshot>();
  snapshot->conf = before.conf;
  for (const auto& each : before.views) {
    auto copy = std::make_unique<ServedView>(ServedView{each->conf, Catalog(each->catalog.seed()), each->matches_all});
    for (const auto& served : each->catalog.zones()) {
      bool changed = each->conf.name == view && served->name == zone;
      copy->catalog.add({served->name, changed ? image : served->image});
    }
    snapshot->views.push_back(std::move(copy));
  }
  return snapshot;
}

OpenFile open_beside(const std::string& config_file) {
  return [directory = fs::parent_directory(config_file)](std::string_view path) {
    std::string full(path);
    if (!path.starts_with('/')) full = directory + "/" + full;
    return fs::read_file(full, kMostConfigText);
  };
}

ImagePtr load_zone(const Name& name, const std::string& directory, const std::string& file, uint64_t seed,
                   Problems& problems) {
  return load_zone_file({.name = name, .directory = directory, .file = file}, seed, problems).image;
}

SnapshotResult build_snapshot(const std::string& config_file, SnapshotPtr before) {
  SnapshotResult result;
  auto text = fs::read_file(config_file, kMostConfigText);
  if (!text) {
    result.lines.push_back({log::Level::error, text.error().what});
    return result;
  }
  Problems problems;
  NamedConf conf = parse_named_conf(*text, config_file, open_beside(config_file), problems);
  report(problems, result.lines);
  if (problems.has_errors()) return result;
  auto snapshot = std::make_shared<Snapshot>();
  for (const ViewConf& view : conf.views) {
    uint64_t seed = before && !before->views.empty() ? before->views[0]->catalog.seed() : first_seed(view, conf);
    if (!snapshot->views.empty()) seed = snapshot->views[0]->catalog.seed();
    auto served = std::make_unique<ServedView>(ServedView{view, Catalog(seed), false});
    bool zones_open = std::all_of(view.zones.begin(), view.zones.end(), [&](const ZoneConf& zone) {
      return zone.settings->allow_query == view.settings->allow_query;
    });
    served->matches_all = is_any(*view.match_clients) && is_any(*view.settings->allow_query) && zones_open;
    load_into(*served, conf, before.get(), result.lines);
    snapshot->views.push_back(std::move(served));
  }
  malloc_trim(0);  // reading a large zone takes three times the memory that serving it needs
  snapshot->conf = std::move(conf);
  result.snapshot = std::move(snapshot);
  return result;
}

}  // namespace umaya::named
