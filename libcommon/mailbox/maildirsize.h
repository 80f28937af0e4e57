// NAME    maildirsize - how full a Maildir is: the quota file of Maildir++
//
// SYNOPSIS
//     UMAYA_TRY(MaildirSize usage, MaildirSize::open("/home/kim/Maildir", {.bytes = 50'000'000, .messages = 1000}));
//     if (!usage.has_room(octets, 1)) …over quota…
//     UMAYA_CHECK(usage.add(octets, 1));           // with a delivery; negative after a removal
//
// DESCRIPTION
//     The file maildirsize: the first line is the limits, "<bytes>S,<messages>C" with either part, then lines
//     "<bytes> <messages>" whose sum is what the Maildir holds, added by every program that delivers or removes. Sizes
//     are those of the files (S= in the names). What is in Trash folders and marked T (trashed) counts for nothing.
//
//     It is counted anew, from all folders of the Maildir, when it is missing, damaged, states other limits, is longer
//     than 5,120 octets, or says that the Maildir is over its quota and is older than 15 minutes (or consists of more
//     than one line, which may be mistaken). A count that runs while a folder changes is used, but not written.
//
//     A folder of a Maildir (it has the file maildirfolder) counts with the Maildir that it lies in.
//
//     Lines are added by others at any time. What our own programs change is counted under a lock: who delivers or
//     removes holds a MaildirSizeLock while the files and the line change, so that a count by one of us sees both or
//     neither and no line is lost in the file that a count replaces. The lock is a flock(2) on tmp/: nothing to clean
//     up, and the Maildir's own directory is the lock of a POP3 session already. Others (Dovecot, Courier) have no such
//     lock; what happens between their change and their line is put right by the next count.
//
// ERRORS
//     Temporary. When the file cannot be written the sums are still right. A file that does not take a line is removed,
//     because half a line would be read together with the next one; whoever needs it counts.
//
// LIMITS
//     Names of a folder are read one by one; a Maildir has at most 10,000 folders here. The file is not flushed: after
//     a power cut it may lack lines, until it is counted anew.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "libcommon/base/fd.h"
#include "libcommon/base/result.h"
#include "libcommon/mailbox/maildir/maildir_folder.h"
#include "libcommon/mailbox/quota_limits.h"

namespace umaya::mailbox {

/// What the text of a maildirsize says.
struct MaildirSizeFile {
  QuotaLimits limits;
  int64_t bytes = 0;
  int64_t messages = 0;
  size_t lines = 0;  ///< with sums
};
/// Nothing when it is damaged.
std::optional<MaildirSizeFile> parse_maildirsize(std::string_view text);

/// Adds a line to the file of a Maildir, if it has one: what was delivered, or with minus what was removed.
Result<void> add_to_maildirsize(int maildir, int64_t bytes, int64_t messages);

/// The directory that has the maildirsize of an open Maildir or folder of one.
Result<Fd> quota_root(int maildir);

/// Held while files of a Maildir and lines of its maildirsize change together.
class MaildirSizeLock {
 public:
  /// Waits for kPatience; then it is a temporary error. Where the file system has no such locks there is none.
  static Result<MaildirSizeLock> take(int maildir);

 private:
  explicit MaildirSizeLock(Fd tmp) : tmp_(std::move(tmp)) {}
  Fd tmp_;
};

class MaildirSize {
 public:
  /// Reads the file, counts when it must be. No limits: those that the file states.
  static Result<MaildirSize> open(const std::string& path, const QuotaLimits& limits);
  /// The same for an open Maildir or folder of one.
  static Result<MaildirSize> open(int maildir, const QuotaLimits& limits);

  uint64_t bytes() const { return static_cast<uint64_t>(bytes_); }
  uint64_t messages() const { return static_cast<uint64_t>(messages_); }
  QuotaUse used() const { return {bytes(), messages()}; }
  const QuotaLimits& limits() const { return limits_; }
  /// Whether that much more fits. What seems full is counted anew first, when the file is old enough to be wrong.
  Result<bool> has_room(uint64_t bytes, uint64_t messages);
  /// The same as add_to_maildirsize(), for this Maildir.
  Result<void> add(int64_t bytes, int64_t messages);
  /// Counts all folders, whatever the file says.
  Result<void> count();

 private:
  MaildirSize(MaildirFolder folder, QuotaLimits limits) : folder_(std::move(folder)), limits_(limits) {}
  static Result<MaildirSize> open(MaildirFolder folder, const QuotaLimits& limits);
  bool fits(uint64_t bytes, uint64_t messages) const { return mailbox::has_room(limits_, used(), bytes, messages); }
  Result<bool> read();

  MaildirFolder folder_;
  QuotaLimits limits_;
  int64_t bytes_ = 0, messages_ = 0;
  int64_t written_ = 0;  ///< when the file was made; 0: there is none
  size_t lines_ = 0;
};

}  // namespace umaya::mailbox
