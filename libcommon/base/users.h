// NAME    users - the users of this host, or of this instance
//
// SYNOPSIS
//     UMAYA_TRY(std::optional<User> user, find_user_entry("k.mizo"));   // error: could not ask; nothing: no such user
//
// DESCRIPTION
//     Asks the system's user database (getpwnam_r), or, once use_passwd_file() has named one, a file in passwd(5)
//     format: a throwaway instance, or one whose users are not the host's, brings its own users that way (parameter
//     passwd_file). The file is read again when it has changed. Any thread may ask; use_passwd_file() is for the start.
//     /etc/passwd is answered from memory when nsswitch.conf asks it first, and read again when it has changed; what
//     other modules say is remembered for kUserRemembered, that they know no such user for kNoUserRemembered.
//
// ERRORS
//     "There is no such user" and "the database cannot be asked" are different answers: only the first is permanent.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>

#include "libcommon/base/clock.h"
#include "libcommon/base/result.h"

namespace umaya {

/// How long an answer of the system's user database is good.
inline constexpr Duration kUserRemembered = std::chrono::seconds(5);
inline constexpr Duration kNoUserRemembered = std::chrono::seconds(1);

struct User {
  std::string name;
  uid_t uid = 0;
  gid_t gid = 0;
  std::string gecos;
  std::string home;
  std::string shell;
};

/// From now on this process takes users from that file; an empty path means the system's database.
void use_passwd_file(std::string path);
/// The user; nothing when there is none; temporary when the database cannot be asked.
Result<std::optional<User>> find_user_entry(std::string_view name);
Result<std::optional<User>> find_user_by_uid(uid_t uid);
/// "name:x:uid:gid:gecos:home:shell" of one line; nothing when the line is no entry.
std::optional<User> parse_passwd_line(std::string_view line);
/// The line of passwd(5) for a user, the password as "x".
std::string passwd_line(const User& user);

}  // namespace umaya
