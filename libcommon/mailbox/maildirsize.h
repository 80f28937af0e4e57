// NAME    maildirsize - how full a Maildir is: the quota file of Maildir++
//
// SYNOPSIS
//     UMAYA_TRY(MaildirSize usage, MaildirSize::open("/home/kim/Maildir", {.bytes = 50'000'000, .messages = 1000}));
//     if (!usage.has_room(octets, 1)) …over quota…
//     UMAYA_CHECK(usage.add(octets, 1));           // after a delivery; negative after a removal
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
// ERRORS
//     Temporary. When the file cannot be written the sums are still right.
//
// LIMITS
//     Names of a folder are read one by one; a Maildir has at most 10,000 folders here.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "libcommon/base/result.h"

namespace umaya::mailbox {

/// 0: no limit.
struct QuotaLimits {
  uint64_t bytes = 0;
  uint64_t messages = 0;
  bool operator==(const QuotaLimits&) const = default;
};

/// "50000000S,1000C"; nothing when it is not that.
std::optional<QuotaLimits> parse_quota_limits(std::string_view text);
std::string print_quota_limits(const QuotaLimits& limits);

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
Result<void> add_to_maildirsize(const std::string& path, int64_t bytes, int64_t messages);

class MaildirSize {
 public:
  /// Reads the file, counts when it must be. No limits: those that the file states.
  static Result<MaildirSize> open(const std::string& path, const QuotaLimits& limits);

  uint64_t bytes() const { return static_cast<uint64_t>(bytes_); }
  uint64_t messages() const { return static_cast<uint64_t>(messages_); }
  const QuotaLimits& limits() const { return limits_; }
  /// Whether that much more fits. What seems full is counted anew first, when the file is old enough to be wrong.
  Result<bool> has_room(uint64_t bytes, uint64_t messages);
  /// The same as add_to_maildirsize(), for this Maildir.
  Result<void> add(int64_t bytes, int64_t messages);

 private:
  MaildirSize(std::string path, QuotaLimits limits) : path_(std::move(path)), limits_(limits) {}
  bool fits(uint64_t bytes, uint64_t messages) const;
  Result<bool> read();
  Result<void> count();

  std::string path_;
  QuotaLimits limits_;
  int64_t bytes_ = 0, messages_ = 0;
  int64_t written_ = 0;  ///< when the file was made; 0: there is none
  size_t lines_ = 0;
};

}  // namespace umaya::mailbox
