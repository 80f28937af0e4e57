// NAME    snapshot - configuration and zones as they are served between two reloads
//
// DESCRIPTION
//     build_snapshot() reads everything anew. A zone that cannot be read or has errors keeps the data that it had in
//     the snapshot before; a configuration that has errors gives no snapshot, so that the old one stays in service.
//     What happened is reported as lines for the log, because reading runs outside of the loop's thread.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "libcommon/log/log.h"
#include "named-lite/answer/catalog.h"
#include "named-lite/config/named_conf.h"
#include "named-lite/config/zone_index.h"
#include "named-lite/server/config_files.h"
#include "named-lite/update/journal.h"

namespace umaya::named {

struct ServedView {
  ViewConf conf;
  Catalog catalog;
  bool matches_all = false;   ///< every client is of this view and may ask
  bool counts_zones = false;  ///< some zone of it has zone-statistics full
  bool zones_differ = false;  ///< some zone has settings of its own
  ZoneIndex zones{};          ///< of conf
};

struct Snapshot {
  NamedConf conf;
  std::vector<std::unique_ptr<ServedView>> views;
  std::shared_ptr<Journal> journal;  ///< shared from one snapshot to the next; null: no zone needs one

  /// The view of a client; nullptr when there is none. allow-query may still refuse its zones to the client.
  const ServedView* view_for(const Requester& client) const;
  /// The view that keeps a zone (wire form): the one that it is shared from (in-view), or this one.
  const ServedView* view_with(const ServedView& view, std::string_view zone) const;
};

/// A snapshot is shared: a transfer that is under way keeps the one with the key that it is signed with.
using SnapshotPtr = std::shared_ptr<const Snapshot>;

/// Views without zones, as the configuration has them.
Snapshot make_snapshot(NamedConf conf, uint64_t seed);
/// The same zones in catalogs of their own, which another thread may read.
SnapshotPtr copy_of(const Snapshot& snapshot);

struct LogLine {
  log::Level level;
  std::string text;
};

/// The problems as lines, as many as a log bears.
void add_lines(const Problems& problems, std::vector<LogLine>& lines);

struct SnapshotResult {
  std::shared_ptr<Snapshot> snapshot;  ///< null: the configuration has errors
  std::vector<LogLine> lines;
};

/// Which zones of a configuration are read from their files.
enum class ZonesRead : unsigned char {
  all,
  only_new,  ///< not those that are served, from the same file
};

/// Reads the zones of a configuration. before: what is served now, or null. Blocks on files.
SnapshotResult build_snapshot(const ConfigFiles& files, SnapshotPtr before, ZonesRead which = ZonesRead::all);
/// The same for the configuration in this file.
SnapshotResult build_snapshot(const std::string& config_file, SnapshotPtr before);

/// "zone ex.test/IN", with the view when there are several.
std::string zone_label(const ZoneConf& zone, const std::string& view);
/// Where the journal of all zones is.
std::string journal_path(const NamedConf& conf);
/// Whether UPDATE may change a zone.
bool is_dynamic(const ZoneConf& zone);
/// Whether a new file, or a whole zone from a primary, is compared with what is served (ixfr-from-differences).
bool brings_differences(const ZoneConf& zone);
/// Whether a zone has its changes in the journal.
bool keeps_journal(const ZoneConf& zone);

/// Reads one zone file: problems are added; the image is null when there are errors.
ImagePtr load_zone(const Name& name, const std::string& directory, const std::string& file, uint64_t seed,
                   Problems& problems);

}  // namespace umaya::named
