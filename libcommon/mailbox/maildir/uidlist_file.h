// NAME    uidlist_file - dovecot-uidlist on the disk: read, locked, added to, written anew
//
// SYNOPSIS
//     UidlistFile file(folder);
//     UMAYA_CHECK(file.read());                       // no lock is needed to read
//     UMAYA_TRY(bool locked, file.lock(limit));       // other programs wait, Dovecot too
//     UMAYA_CHECK(file.append(lines));                // or replace(text)
//
// DESCRIPTION
//     As Dovecot does it: the lock is dovecot-uidlist.lock, broken when it is older than two minutes or its owner is
//     dead; lines are added at the end, or the file is written anew beside it and renamed. Dovecot throws a list away
//     that has one wrong line, so that what was written in part is cut off again, and no more is appended than the
//     kernel writes in one piece. What was written is on the disk when the call returns: uids that anybody was told are
//     never given again.
//
// OWNERSHIP
//     Borrows the folder. The lock goes with the object. What list() gave borrows text that stays until then.
//
// ERRORS
//     Temporary. lock() gives false when somebody else keeps the lock for too long.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "libcommon/base/clock.h"
#include "libcommon/base/result.h"
#include "libcommon/mailbox/dotlock.h"
#include "libcommon/mailbox/maildir/maildir_folder.h"
#include "libcommon/mailbox/maildir/uidlist.h"

namespace umaya::mailbox {

class UidlistFile {
 public:
  explicit UidlistFile(const MaildirFolder& folder) : folder_(folder) {}

  Result<void> read();
  const Uidlist& list() const { return list_; }
  /// What the file was when it was read, or after we wrote it.
  const FileIdentity& identity() const { return identity_; }
  bool exists() const { return identity_.inode != 0; }

  Result<bool> lock(Duration limit);
  static constexpr size_t kMostAppended = 4096;
  Result<void> append(std::string_view lines);
  Result<void> replace(const std::string& text);

 private:
  const MaildirFolder& folder_;
  std::vector<std::unique_ptr<std::string>> texts_;  // the last is that of list_
  Uidlist list_;
  FileIdentity identity_;
  std::optional<Dotlock> lock_;
};

}  // namespace umaya::mailbox
