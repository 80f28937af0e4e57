// NAME    maildir_folder - a Maildir as a place: its directories, their states, and the files beside them
//
// OWNERSHIP
//     Owns descriptors of the Maildir and, once they were asked for, of new/ and cur/.
//
// ERRORS
//     Temporary, with errno. A Maildir that is not there: exists() is false.
#pragma once

#include <optional>
#include <string>

#include "libcommon/base/fd.h"
#include "libcommon/base/result.h"
#include "libcommon/mailbox/maildir/mail_index.h"

namespace umaya::mailbox {

constexpr const char* kIndexName = "umaya-index";
constexpr const char* kUidlistName = "dovecot-uidlist";

class MaildirFolder {
 public:
  static Result<MaildirFolder> open(const std::string& path);
  /// The same when no disk has to be waited for; nothing otherwise, and when there is no Maildir (openat2(2),
  /// RESOLVE_CACHED).
  static std::optional<MaildirFolder> open_from_memory(const std::string& path);
  /// A Maildir that is open already; path is for messages.
  static MaildirFolder at(Fd root, std::string path);

  bool exists() const { return static_cast<bool>(root_); }
  const std::string& path() const { return path_; }
  int root() const { return root_.get(); }
  /// Descriptor of new/ or cur/; ENOENT when it is not there.
  Result<int> directory(bool is_new);

  /// The state of what has this name in the Maildir; inode 0 when there is no such thing.
  Result<FileIdentity> identity(const char* name) const;
  bool has(const char* name) const;
  /// The whole of a plain file; nothing when there is none. state gets what it was when it was read.
  Result<std::optional<std::string>> read(const char* name, size_t limit, FileIdentity* state = nullptr) const;
  /// Puts a file in place of what has this name: whole, or not at all. With durable it stays so after a power cut.
  enum class Durable : unsigned char { no, yes };
  Result<void> replace(const char* name, std::string_view content, Durable durable) const;

 private:
  MaildirFolder() = default;
  std::string path_;
  Fd root_, fresh_, current_;
};

}  // namespace umaya::mailbox
