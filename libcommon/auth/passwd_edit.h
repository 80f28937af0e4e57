// NAME    passwd_edit - changes to a passwd-file that leave everything else in it as it was
//
// SYNOPSIS
//     UMAYA_TRY(PasswdEditor editor, PasswdEditor::open("/etc/umaya/users"));
//     UMAYA_TRY(std::string text, change_passwd_password(editor.text(), "alice", "{SHA512-CRYPT}$6$…"));
//     editor.set_text(std::move(text));
//     UMAYA_CHECK(editor.save());
//
// DESCRIPTION
//     The editor holds a lock on the file as long as it lives, so that two of them do not lose each other's changes.
//     save() writes a new file beside the old one, with its owner, group and mode, and puts it in its place at once:
//     a reader sees the old or the new one, also after a power cut. Comments, order, and lines that are wrong stay.
//
// ERRORS
//     permanent: no such user, a user that is there already, a name or a field that cannot stand in the file.
//     temporary: the file cannot be read, written or locked.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "libcommon/base/fd.h"
#include "libcommon/base/result.h"

namespace umaya::auth {

// The changes as plain code over the text.

Result<std::string> add_passwd_line(std::string_view text, std::string_view user, std::string_view line);
Result<std::string> change_passwd_password(std::string_view text, std::string_view user, std::string_view password);
Result<std::string> remove_passwd_line(std::string_view text, std::string_view user);
/// user:password:uid:gid::home::extra fields, without what is empty at the end. fields: "uid=1001", "gid=…", "home=…",
/// "mail=…", "nologin", "allow_nets=…", "quota_rule=…".
Result<std::string> make_passwd_line(std::string_view user, std::string_view password,
                                     const std::vector<std::string>& fields);

class PasswdEditor {
 public:
  /// Opens and locks; waits a while for another editor.
  static Result<PasswdEditor> open(const std::string& path);
  const std::string& text() const { return text_; }
  void set_text(std::string text) { text_ = std::move(text); }
  Result<void> save();

 private:
  PasswdEditor(std::string path, Fd fd, std::string text)
      : path_(std::move(path)), fd_(std::move(fd)), text_(std::move(text)) {}
  std::string path_;
  Fd fd_;
  std::string text_;
};

}  // namespace umaya::auth
