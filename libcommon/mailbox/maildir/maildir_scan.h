// NAME    maildir_scan - the messages that are in new/ and cur/ now, brought together with those that were known
//
// SYNOPSIS
//     UMAYA_TRY(ScanResult found, scan_maildir(folder, known));
//     for (const ScannedMail& mail : found.mails) …
//
// DESCRIPTION
//     Directories that are as the index says are not read: their messages are taken from it. A message is known by the
//     base of its name. One that another program renames while a directory is read may be missed by readdir(3): while
//     something known is missing and the directories change, they are read again.
//     Two names for one file (a move that was not finished) are made one. Two files with one base cannot both be told
//     by it: the second gets a name of its own.
//     A directory that was changed less than two seconds before it was read is marked as unsettled: a change in the
//     same tick of the clock would not show.
//
// OWNERSHIP
//     Names borrow the index `known` and the result's own text.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "libcommon/base/result.h"
#include "libcommon/mailbox/maildir/maildir_folder.h"

namespace umaya::mailbox {

struct ScannedMail {
  MailRecord record;  ///< of a message that is not known: what its name tells, uid 0
  std::string_view name{};
  std::string_view unique_id{};  ///< of a known one
  std::string_view base() const { return name.substr(0, name.find(':')); }
};

struct ScanResult {
  std::vector<ScannedMail> mails;
  FileIdentity fresh, current;
  uint32_t state = 0;  ///< kNewUnsettled, kCurUnsettled
  /// The text of the names that were read; a pointer because views must stay valid when the result is moved.
  std::vector<std::unique_ptr<std::string>> texts;
};

/// known: nothing is known when it has no identity of the directories.
Result<ScanResult> scan_maildir(MaildirFolder& folder, const MailIndex& known);

/// Whether a change to what has this state now could go unseen.
bool is_unsettled(const FileIdentity& state);

}  // namespace umaya::mailbox
