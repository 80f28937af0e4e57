// NAME    replay - a zone file and the journal that follows it, put together
//
// DESCRIPTION
//     The zone is its file with the steps of the journal behind the file's serial. That holds after a crash at any
//     moment, because the file is replaced as a whole and the journal forgets only what the file has.
//
// ERRORS
//     Permanent: file and journal do not fit. The file was changed by hand while the journal had changes that it lacks;
//     the message says which serials meet, and what can be done.
#pragma once

#include <memory>
#include <string>

#include "named-lite/update/journal.h"
#include "named-lite/zone/image.h"

namespace umaya::named {

/// What holds when file and journal do not fit.
enum class FileRule : unsigned char {
  journal_counts,  ///< a zone that UPDATE changes: an error, or acknowledged changes would be lost
  file_counts,     ///< secondaries, and ixfr-from-differences: the journal is given up
};

struct Replayed {
  std::shared_ptr<const ZoneImage> image;
  std::string note;  ///< for the log; empty: nothing happened
};

/// The zone as it was when the journal was last written. Blocks on the disk.
Result<Replayed> replay_journal(Journal& journal, const ZoneId& zone, std::shared_ptr<const ZoneImage> file,
                                FileRule rule);

/// A zone that is being loaded.
struct ZoneLoad {
  ZoneId id;
  std::shared_ptr<const ZoneImage> file;    ///< as its file has it
  std::shared_ptr<const ZoneImage> former;  ///< what is in service; null: nothing yet
  bool dynamic = false;                     ///< UPDATE may change it: without its journal it would not be what it was
  FileRule rule = FileRule::journal_counts;
  bool differences = false;           ///< ixfr-from-differences: a new file is compared with what is in service
  uint64_t most_octets = UINT64_MAX;  ///< of its journal
};
/// What is to be served of it. journal: null when there is none. Blocks on the disk.
Result<Replayed> load_with_journal(Journal* journal, ZoneLoad load);

/// A new file of a zone in service: the difference becomes a step of the journal when its serial is newer and the
/// journal ends at the image of before; else the journal begins anew. Blocks on the disk.
Result<> journal_differences(Journal& journal, const ZoneId& zone, const ZoneImage& before, const ZoneImage& after,
                             uint64_t most_octets);

}  // namespace umaya::named
