// NAME    drop_origin - which file of maildrop/ a queue file was made from
//
// SYNOPSIS
//     envelope.extra[kDropOrigin] = DropOrigin{name, status.st_ino}.text();
//     …
//     switch (posting_of(spool, id, origin)) { … }
//
// DESCRIPTION
//     A posted message is for a moment in two files: pickup removes the one in maildrop/ when cleanup has the other on
//     the disk. A crash in between, or a cut of the power that undoes the removal, leaves both. The queue file
//     therefore names the drop file, so that pickup finds that it was posted already, and the queue manager removes
//     what is left of it before it delivers: no message is delivered once for each of the two.
//
//     Name and inode together tell one drop file from a later one of the same name.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>

#include "libcommon/base/result.h"
#include "libcommon/queue/directories.h"
#include "libcommon/queue/envelope.h"

namespace umaya::queue {

/// Name in Envelope::extra under which a queue file keeps its DropOrigin.
inline const std::string kDropOrigin = "drop_origin";

/// A file in maildrop/.
struct DropOrigin {
  std::string name;  ///< its queue id
  ino_t inode = 0;

  bool operator==(const DropOrigin&) const = default;
  /// "NAME:INODE".
  std::string text() const;
  /// Nothing when it is no such text; the name is a valid id, so it leads to no other directory.
  static std::optional<DropOrigin> parse(std::string_view text);
  /// Of a message in the queue; nothing when it did not come by way of maildrop/.
  static std::optional<DropOrigin> of(const Envelope& envelope);
};

/// What has become of posting a drop file under an id.
enum class Posting : unsigned char {
  not_begun,   ///< the queue has no message of that id
  under_way,   ///< somebody is writing it
  done,        ///< it is there, whole and on the disk: the drop file has had its use
  other_file,  ///< the id belongs to another message, or to a part of one that a crash left behind
};

/// Looks into incoming, active, deferred and hold. A whole file without the mark (its writer died) is synced first.
Result<Posting> posting_of(const QueueDirectories& spool, std::string_view id, const DropOrigin& origin);

/// Removes what is left of the drop file that a message in the queue was made from. The message must be on the disk.
Result<> remove_drop_file(const QueueDirectories& spool, const DropOrigin& origin);

}  // namespace umaya::queue
