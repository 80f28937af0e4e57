// NAME    delivery_file - opening mailboxes, .forward files and lists without being led astray
//
// SYNOPSIS
//     UMAYA_TRY(Fd home, open_base("/home/kim"));
//     UMAYA_TRY(Fd maildir, open_directory_beneath(home.get(), "Maildir", Missing::create));
//     UMAYA_TRY(Opened box, open_file_beneath(directory, "kim", O_WRONLY | O_APPEND, Missing::create));
//
// DESCRIPTION
//     A base directory is given by the administrator (a home, /var/mail, virtual_mailbox_base) and is opened by its
//     name. What lies beneath may be under the control of the recipient: it is opened relative to the base with
//     openat2(RESOLVE_BENEATH), so that neither ".." nor a symbolic link leads out; the last component is never
//     followed. Kernels without openat2 get a walk that follows no symbolic link at all. Files are judged by fstat on
//     the descriptor that is then used, never by name (attacks L1, L2).
//     These functions run as the recipient.
//
// ERRORS
//     All temporary (a mailbox that cannot be opened now is not a reason to send mail back), with the enhanced code of
//     delivery_error().
#pragma once

#include <fcntl.h>
#include <sys/stat.h>

#include <string>
#include <string_view>

#include "libcommon/base/fd.h"
#include "libcommon/base/result.h"

namespace umaya::mailbox {

/// What to do when something that is opened does not exist.
enum class Missing : unsigned char { fail, create };

/// The error for a failed system call of a delivery: always temporary, because disks get repaired, homes mounted and
/// quotas raised. ENOSPC is 4.3.1, EDQUOT and EFBIG are 4.2.2, everything else 4.2.0.
std::unexpected<Error> delivery_error(std::string_view what, int err = errno);

/// Opens a directory by the name that the administrator gave. A directory that is not there is a temporary error.
Result<Fd> open_base(const std::string& path);

/// Opens a directory beneath base; path is relative and may have several components. With Missing::create components
/// that do not exist are made with mode 0700 and made durable, the base itself never.
Result<Fd> open_directory_beneath(int base, std::string_view path, Missing missing);

struct Opened {
  Fd fd;
  struct stat status {};
  bool created = false;
};

/// Opens the regular file of this name in a directory. Refused: symbolic links, files with more than one link, anything
/// that is not a regular file. Never blocks on a FIFO. With Missing::create a new file gets this mode.
Result<Opened> open_file_in(int directory, const std::string& name, int flags, Missing missing, mode_t mode = 0600);

/// Opens a regular file beneath base for reading; intermediate symbolic links may not lead out of base.
Result<Opened> open_regular_beneath(int base, std::string_view path);

/// fsync of a directory.
Result<> sync_directory(int directory, std::string_view what);

/// "/a/b/c" -> {"/a/b/", "c"}; "c" -> {"", "c"}.
std::pair<std::string, std::string> split_path(std::string_view path);

}  // namespace umaya::mailbox
