// NAME    directories - where in the queue a message stands
//
// SYNOPSIS
//     queue::QueueDirectories spool(".", {.names = {"deferred", "defer"}, .depth = 1});
//     UMAYA_TRY(Fd fd, spool.create(QueueName::incoming, id));
//     UMAYA_CHECK(spool.move(id, QueueName::incoming, QueueName::active));
//     UMAYA_TRY(queue::QueueScan scan, spool.scan(QueueName::deferred));
//     while (auto found = scan.next()) use(found->id, found->path);
//
// DESCRIPTION
//     A message keeps its name and moves between directories by rename. Directories named in hash_queue_names are split
//     by the first characters of the id (hash_queue_depth levels); such a sub-directory is made when it is first
//     needed, and its parent synced. A scan finds files at any level, so that a change of these parameters loses
//     nothing.
//
// ERRORS
//     create() gives EEXIST in sys_errno when the id is taken. A name in a directory that is no valid id is left out by
//     a scan.
#pragma once

#include <sys/types.h>

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libcommon/base/fd.h"
#include "libcommon/base/result.h"
#include "libcommon/fs/directory.h"

namespace umaya::queue {

enum class QueueName : uint8_t {
  maildrop,
  incoming,
  active,
  deferred,
  hold,
  corrupt,
  bounce,
  defer,
  trace,
  flush,
  saved
};
inline constexpr size_t kQueueNames = 11;

/// "incoming" and so on.
std::string_view to_string(QueueName name);
std::optional<QueueName> queue_named(std::string_view name);

/// Permission bits of a queue file that carry meaning.
namespace mode {
inline constexpr mode_t kWriting = 0600;      ///< until it is on the disk
inline constexpr mode_t kComplete = 0700;     ///< the owner's x bit: the message is whole and on the disk
inline constexpr mode_t kReadyBit = 0100;     ///< that bit
inline constexpr mode_t kUnthrottle = 0040;   ///< try now, whatever is known about the destination
inline constexpr mode_t kForceExpire = 0010;  ///< return it to the sender (postsuper -e)
inline constexpr mode_t kCorrupt = 0400;      ///< put aside for a person to look at
}  // namespace mode

/// hash_queue_names and hash_queue_depth.
struct Hashing {
  std::vector<std::string> names = {"deferred", "defer"};
  unsigned depth = 1;
};

/// Walks one queue directory and its hash directories.
class QueueScan {
 public:
  struct Found {
    std::string id;
    std::string path;
  };
  /// The next message file by name; nothing at the end. Its state is not looked at.
  std::optional<Found> next();

 private:
  friend class QueueDirectories;
  struct Level {
    std::string path;
    fs::DirectoryReader reader;
  };
  std::vector<Level> levels_;
};

class QueueDirectories {
 public:
  /// root: queue_directory, or "." when the process stands in it.
  QueueDirectories(std::string root, const Hashing& hashing);

  /// The file of that id in that queue, whether it exists or not.
  std::string path(QueueName queue, std::string_view id) const;
  /// The directory itself, without hash directories.
  std::string directory(QueueName queue) const;

  /// A new empty file (mode 0600); makes the hash directory when needed.
  Result<Fd> create(QueueName queue, std::string_view id) const;
  /// Moves by rename to where the id belongs in the other queue.
  Result<> move(std::string_view id, QueueName from, QueueName to) const;
  /// The same from the path at which a scan found it.
  Result<> move_from(const std::string& path, std::string_view id, QueueName to) const;
  /// Removes the file; one that is not there is no error.
  Result<> remove(QueueName queue, std::string_view id) const;
  /// The directory that holds the file is on the disk.
  Result<> sync_name(QueueName queue, std::string_view id) const;
  Result<QueueScan> scan(QueueName queue) const;
  /// The first of the queues that has the id.
  std::optional<QueueName> find(std::string_view id) const;
  /// Makes the queue directories that are missing (mode 0700).
  Result<> make_all() const;

 private:
  Result<> make_hash_directories(QueueName queue, std::string_view id) const;

  std::string root_;  // with a slash at its end; empty for "."
  std::array<bool, kQueueNames> hashed_{};
  unsigned depth_;
};

}  // namespace umaya::queue
