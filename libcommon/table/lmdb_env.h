// NAME    lmdb_env - owner of an LMDB environment in one file, with the locks that readers and writers share
//
// DESCRIPTION
//     Files are NAME.lmdb without a lock file beside them (readers may have no right to write there). Instead:
//     byte 0 of the file is locked by the one writer for as long as it writes; byte 1 is held shared by each reader
//     during one look-up, and taken exclusively by a writer for an instant before it starts. LMDB never overwrites
//     pages of the last committed state within one transaction, so a reader that starts after that instant reads a
//     whole state however long the writer takes: readers never wait for a rebuild.
//     The locks belong to the open file (F_OFD_*), so several tables of one process do not disturb each other.
#pragma once

#include <fcntl.h>
#include <lmdb.h>

#include <memory>
#include <string>

#include "libcommon/base/fd.h"
#include "libcommon/base/result.h"

namespace umaya::table {

enum class LmdbMode : unsigned char { read, write };

class LmdbEnv {
 public:
  /// Opens path; in write mode creates it with this mode when it is missing. size is the first limit of the map.
  static Result<LmdbEnv> open(const std::string& path, LmdbMode mode, unsigned file_mode, size_t size);
  MDB_env* get() const { return env_.get(); }
  int lock_fd() const { return lock_.get(); }

 private:
  struct Close {
    void operator()(MDB_env* env) const { mdb_env_close(env); }
  };
  std::unique_ptr<MDB_env, Close> env_;
  Fd lock_;
};

/// Holds a lock on one byte of a file; waits for it when made.
class ByteLock {
 public:
  enum class Kind : short { shared = F_RDLCK, exclusive = F_WRLCK };
  ByteLock(int fd, off_t byte, Kind kind);
  ByteLock(const ByteLock&) = delete;
  ByteLock& operator=(const ByteLock&) = delete;
  ~ByteLock();
  explicit operator bool() const { return held_; }

 private:
  int fd_;
  off_t byte_;
  bool held_;
};

inline constexpr off_t kWriterByte = 0;
inline constexpr off_t kReaderByte = 1;

/// Ends a transaction that was not committed.
struct LmdbAbort {
  void operator()(MDB_txn* txn) const { mdb_txn_abort(txn); }
};
using LmdbTxn = std::unique_ptr<MDB_txn, LmdbAbort>;
struct LmdbCursorClose {
  void operator()(MDB_cursor* cursor) const { mdb_cursor_close(cursor); }
};
using LmdbCursor = std::unique_ptr<MDB_cursor, LmdbCursorClose>;

/// "PATH: text of LMDB's error", temporary.
std::unexpected<Error> lmdb_error(const std::string& path, int error);

}  // namespace umaya::table
