// NAME    journal - the changes of all zones, kept so that they survive (LMDB)
//
// SYNOPSIS
//     UMAYA_TRY(auto journal, Journal::open("/var/lib/named/named-lite.journal"));
//     UMAYA_CHECK(journal->append(zone, steps, most_octets));      // durable when it returns
//     UMAYA_TRY(auto steps, journal->since(zone, serial, limit));
//
// DESCRIPTION
//     One file for all zones. A zone's steps follow one another, each from the serial where the one before ended. All
//     steps of one append() become durable together with one flush, or none of them does: after kill -9 or a power cut
//     the journal ends before or behind them.
//     The journal remembers which steps the zone file has already. Only those are dropped when it grows beyond its
//     size: the file and what follows it in the journal are the zone.
//
// OWNERSHIP
//     One process has the file open; a second one is refused. Calls block: they belong on a worker's thread. Any number
//     of threads may call at once.
//
// ERRORS
//     Temporary: the disk is full or fails, and nothing was written. Permanent: what is in the file is damaged.
//     A file that lacks pages (journal_pages.h) is put aside when it is opened, and a new one is begun: LMDB would end
//     the process when it came to them. It is looked through when it is too short, and when it was written last before
//     the host was started: only a power cut, or a system that crashes, loses what was written.
//
// LIMITS
//     The file grows up to kMostOctets. View names of 200 octets.
#pragma once

#include <lmdb.h>

#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <span>
#include <string>
#include <vector>

#include "libcommon/base/fd.h"
#include "named-lite/update/journal_entry.h"

namespace umaya::named {

/// A zone of a view.
struct ZoneId {
  std::string view;
  std::string zone;  ///< wire form, lower case

  auto operator<=>(const ZoneId&) const = default;
};

class Journal {
 public:
  static constexpr size_t kMostOctets = size_t{16} << 30;

  /// How long open() waits for a process that was killed and still ends a write.
  static constexpr std::chrono::milliseconds kPatience{5000};

  /// Opens the file, and makes it when it is not there.
  static Result<std::unique_ptr<Journal>> open(const std::string& path, std::chrono::milliseconds patience = kPatience);

  const std::string& path() const { return path_; }
  /// What open() found wrong with the file that was there, and where it was put; empty: nothing.
  const std::string& damage() const { return damage_; }
  /// Where the journal of a zone stands; nothing when it has none.
  Result<std::optional<JournalState>> state(const ZoneId& zone);
  /// Whether the journal has steps that the zone file lacks; false when it cannot be read.
  bool is_ahead_of_file(const ZoneId& zone);
  /// Writes the steps of a zone. The first one begins where the journal ends; when the zone has no journal yet, its
  /// file is taken to have the serial where the first step begins. Steps that the file has are dropped while the zone
  /// has more than this many octets.
  Result<> append(const ZoneId& zone, std::span<const ZoneChange> steps, uint64_t most_octets);
  /// The steps from a serial to the end, none when it is the last one; nothing when the journal does not reach back to
  /// it, or when they have more than this many octets.
  Result<std::optional<std::vector<ZoneChange>>> since(const ZoneId& zone, uint32_t serial, uint64_t most_octets);
  /// The zone file has this serial now, durably: one that is in the journal.
  Result<> file_written(const ZoneId& zone, uint32_t serial);
  /// Takes the journal of a zone away.
  Result<> clear(const ZoneId& zone);

 private:
  explicit Journal(std::string path) : path_(std::move(path)) {}
  struct CloseEnv {
    void operator()(MDB_env* env) const { mdb_env_close(env); }
  };
  class Transaction;

  Result<> lock_file(std::chrono::milliseconds patience);
  Result<> put_aside_when_damaged(std::chrono::milliseconds patience);
  Result<> open_env();
  /// Runs the writer's work in a transaction that is durable when this returns.
  template <class Work>
  Result<> write(Work work);
  std::unexpected<Error> failed(int error) const;

  std::string path_;
  std::string damage_;
  Fd lock_;
  std::mutex writer_;
  std::shared_mutex access_;  // held alone while the environment is opened anew
  std::unique_ptr<MDB_env, CloseEnv> env_;
  MDB_dbi steps_ = 0;
};

}  // namespace umaya::named
