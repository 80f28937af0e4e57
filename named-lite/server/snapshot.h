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

namespace umaya::named {

struct ServedView {
  ViewConf conf;
  Catalog catalog;
  bool matches_all = false;  ///< every client is of this view and may ask
};

struct Snapshot {
  NamedConf conf;
  std::vector<std::unique_ptr<ServedView>> views;

  /// The view of a client; nullptr when there is none. allow-query may still refuse its zones to the client.
  const ServedView* view_for(const Requester& client) const;
};

/// A snapshot is shared: a reload reads beside answering and keeps the zones of before whose new files are bad, so that
/// the snapshot in service and the one that is being made may both hold on to it, in two threads.
using SnapshotPtr = std::shared_ptr<const Snapshot>;

struct LogLine {
  log::Level level;
  std::string text;
};

struct SnapshotResult {
  SnapshotPtr snapshot;  ///< null: the configuration has errors
  std::vector<LogLine> lines;
};

/// Reads the configuration file and all zones. before: what is served now, or null. Blocks on files.
SnapshotResult build_snapshot(const std::string& config_file, SnapshotPtr before);

/// The same with other data for one zone; null: none that can be served.
SnapshotPtr with_zone(const Snapshot& before, std::string_view view, std::string_view zone, ImagePtr image);

/// Reads one zone file: problems are added; the image is null when there are errors.
ImagePtr load_zone(const Name& name, const std::string& directory, const std::string& file, uint64_t seed,
                   Problems& problems);

/// Opens the files that a configuration includes; names that are not absolute are meant beside it.
OpenFile open_beside(const std::string& config_file);

}  // namespace umaya::named
