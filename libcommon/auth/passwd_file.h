// NAME    passwd_file - users and their passwords in a file, in Dovecot's format
//
// SYNOPSIS
//     PasswdFile file = parse_passwd_file(text, "/etc/umaya/users", problems);
//     const PasswdEntry* entry = file.find("k.mizo");
//
// DESCRIPTION
//     A line is user:password:uid:gid:gecos:home:shell:extra fields; what is not needed may be left out from the right.
//     The password is {SCHEME}data. Extra fields are separated by blanks: name=value or a name alone, those of the user
//     database with userdb_ before them. Known: nologin, allow_nets, userdb_uid, userdb_gid, userdb_home, userdb_mail.
//     Empty lines and lines that begin with # are passed over.
//
// ERRORS
//     A line that is wrong is reported with file, line and cure, and passed over; the others stay valid.
//
// LIMITS  64 MiB of text.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libcommon/auth/scheme.h"
#include "libcommon/base/strings.h"
#include "libcommon/net/address.h"

namespace umaya::auth {

struct PasswdEntry {
  std::string user;
  std::optional<StoredPassword> password;  ///< none: nobody can log in with a password
  std::optional<uint32_t> uid, gid;
  std::string home;
  std::string mail;  ///< userdb_mail: "maildir:/path", "~/Maildir"
  bool nologin = false;
  std::vector<net::Network> allow_nets;  ///< empty: from everywhere
};

class PasswdFile {
 public:
  /// The entry of a name: as written, else in lower case (names are compared without regard to case when so written).
  const PasswdEntry* find(std::string_view user) const;
  size_t size() const { return entries_.size(); }
  void add(PasswdEntry entry);
  /// A password of the scheme that most users have, to be checked for users that do not exist, so that both take the
  /// same time; null when there are no users.
  const StoredPassword* decoy() const { return decoy_ ? &*decoy_ : nullptr; }
  void choose_decoy();

 private:
  StringMap<PasswdEntry> entries_;
  std::optional<StoredPassword> decoy_;
};

/// problems gets "FILE:LINE: what; cure" for each line that was passed over, and for weak schemes once each.
PasswdFile parse_passwd_file(std::string_view text, const std::string& file, std::vector<std::string>& problems);

inline constexpr size_t kMostPasswdText = size_t{64} << 20;

/// A user name that may be looked up at all: 1 to 255 letters, digits and . - _ @ + = (the last two as Dovecot's
/// default does not; extensions of addresses are written so).
bool valid_user_name(std::string_view user);

}  // namespace umaya::auth
