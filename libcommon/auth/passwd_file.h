// NAME    passwd_file - users and their passwords in a file, in Dovecot's format
//
// SYNOPSIS
//     PasswdFile file = parse_passwd_file(text, "/etc/umaya/users", problems);
//     const PasswdEntry* entry = file.find("k.mizo");
//
// DESCRIPTION
//     A line is user:password:uid:gid:gecos:home:shell:extra fields; what is not needed may be left out from the right.
//     The password is {SCHEME}data. Extra fields are separated by blanks: name=value or a name alone, those of the user
//     database with userdb_ before them. Known: nologin, allow_nets, userdb_uid, userdb_gid, userdb_home, userdb_mail;
//     other userdb_ fields are handed on to the user's session as they are.
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
  std::vector<std::string> more;         ///< other fields of the user database: "quota_rule=*:storage=1G"
};

/// What the passwords of users can be used for; or'ed.
inline constexpr unsigned kCheckable = 1;  ///< compared with one that is given
inline constexpr unsigned kPlain = 2;      ///< known as they are (CRAM-MD5, APOP, every SCRAM)
inline constexpr unsigned kScramSha1 = 4;
inline constexpr unsigned kScramSha256 = 8;
inline constexpr unsigned kCramMd5 = 16;
inline constexpr unsigned kEverySecret = 31;
unsigned uses_of(const StoredPassword& password);

/// How a file is read.
struct PasswdRules {
  std::string default_scheme = "CRYPT";  ///< of passwords without {SCHEME}
  bool allow_weak = false;               ///< nothing is said of weak schemes
};

class PasswdFile {
 public:
  /// The entry of a name: as written, else without regard to case.
  const PasswdEntry* find(std::string_view user) const;
  /// Names of all users, sorted.
  std::vector<std::string> users() const;
  /// What every password in the file can be used for.
  unsigned uses() const { return uses_; }
  size_t size() const { return entries_.size(); }
  void add(PasswdEntry entry);
  /// A password of the scheme that most users have, to be checked for users that do not exist, so that both take the
  /// same time; null when there are no users.
  const StoredPassword* decoy() const { return decoy_ ? &*decoy_ : nullptr; }
  void choose_decoy();

 private:
  StringMap<PasswdEntry> entries_;
  StringMap<std::string> by_lower_case_;
  unsigned uses_ = kEverySecret;
  std::optional<StoredPassword> decoy_;
};

/// problems gets "FILE:LINE: what; cure" for each line that was passed over, and for weak schemes once each.
PasswdFile parse_passwd_file(std::string_view text, const std::string& file, std::vector<std::string>& problems,
                             const PasswdRules& rules = {});
/// One line; nothing when it is wrong, and problems says what is.
std::optional<PasswdEntry> parse_passwd_line(std::string_view line, const std::string& where,
                                             std::vector<std::string>& problems, const PasswdRules& rules);
/// Sets a field of the user database: "uid=1001", "home=/srv/x". false: a value that is wrong.
bool set_user_field(PasswdEntry& entry, std::string_view field);

inline constexpr size_t kMostPasswdText = size_t{64} << 20;

/// A user name that may be looked up at all: 1 to 255 letters, digits and . - _ @ + = (the last two as Dovecot's
/// default does not; extensions of addresses are written so). Neither it nor its domain begins with a dot or a hyphen,
/// so that it can stand in a path; there is at most one @.
bool valid_user_name(std::string_view user);

}  // namespace umaya::auth
