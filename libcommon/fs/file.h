// NAME    file - opening, writing, syncing and naming files so that they survive
//
// SYNOPSIS
//     UMAYA_TRY(Fd fd, fs::create_exclusive("incoming/4F0A1BC23DE", 0600));
//     UMAYA_CHECK(fs::write_all(fd.get(), bytes));
//     UMAYA_CHECK(fs::sync(fd.get()));
//     UMAYA_CHECK(fs::sync_directory("incoming"));       // only now does the name survive a power cut
//
// DESCRIPTION
//     fsync of a file keeps its bytes, not its name: a file that was created, renamed or linked is safe only after
//     sync_directory() of the directory. A sync that failed once has failed (the kernel may have dropped the pages):
//     give that file up and write another.
//     Paths are as for openat(2) with AT_FDCWD; daemons of the queue stand in queue_directory.
//
// ERRORS
//     Every error is temporary and carries errno and the path, but: open_safe() of something that is no plain file
//     with one name is permanent.
//
// LIMITS
//     read_file() refuses what is larger than its limit.
#pragma once

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "libcommon/base/fd.h"
#include "libcommon/base/result.h"

namespace umaya::fs {

/// Creates a file that must not exist yet (O_EXCL, O_NOFOLLOW), open for reading and writing. EEXIST is in sys_errno.
Result<Fd> create_exclusive(const std::string& path, mode_t mode);

/// Opens an existing plain file that has one name and is no symbolic link, so that nobody's other file can be meant.
/// flags: O_RDONLY, O_WRONLY or O_RDWR, and O_APPEND when wanted.
Result<Fd> open_safe(const std::string& path, int flags = O_RDONLY);
/// The same, and gives the file's status as seen on the open descriptor.
Result<Fd> open_safe(const std::string& path, int flags, struct stat& status);

/// Opens for appending, creates with the mode when missing, with the checks of open_safe().
Result<Fd> open_or_create(const std::string& path, mode_t mode);

/// Opens without waiting for a disk (openat2(2), RESOLVE_CACHED); EAGAIN when it would have to.
Result<Fd> open_cached(int directory, const std::string& path, int flags);

/// Writes all of the bytes; a short write (full disk) is an error.
Result<> write_all(int fd, std::string_view bytes);
/// Writes all of the pieces, with one call as a rule.
Result<> write_all(int fd, std::span<iovec> pieces);
Result<> write_all_at(int fd, std::string_view bytes, uint64_t offset);
/// Reads up to the size of the buffer from the offset; less only at the end of the file. Gives the number read.
Result<size_t> read_at(int fd, std::span<char> buffer, uint64_t offset);
/// As read_at(), without waiting for a disk (preadv2(2), RWF_NOWAIT); EAGAIN when it would have to.
Result<size_t> read_at_cached(int fd, std::span<char> buffer, uint64_t offset);
/// The whole of an open file from its beginning.
Result<std::string> read_all(int fd, size_t limit);
/// The whole of a file.
Result<std::string> read_file(const std::string& path, size_t limit);

/// Data and status are on the disk (fsync).
Result<> sync(int fd);
/// Data is on the disk, and the size (fdatasync).
Result<> sync_data(int fd);
/// The names in a directory are on the disk.
Result<> sync_directory(const std::string& path);

Result<> set_mode(int fd, mode_t mode);
/// Sets the time of last change, in seconds.
Result<> set_modified(int fd, int64_t seconds);
Result<> truncate(int fd, uint64_t size);
Result<> rename(const std::string& from, const std::string& to);
/// A second name for a file; fails with EEXIST rather than replace.
Result<> link(const std::string& from, const std::string& to);
/// Removes a name; a missing one is an error with ENOENT.
Result<> remove(const std::string& path);
/// Creates a directory and syncs its parent; one that exists already is fine.
Result<> make_directory(const std::string& path, mode_t mode);

/// Replaces a file as a whole: temporary file beside it, sync, rename, sync of the directory. A reader sees the old
/// or the new content, also after a power cut.
Result<> replace_file(const std::string& path, std::string_view content, mode_t mode);

/// The directory part of a path: "." when there is none.
std::string parent_directory(std::string_view path);

}  // namespace umaya::fs
