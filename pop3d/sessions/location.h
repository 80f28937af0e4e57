// NAME    location - which mailbox a user has, and beneath which directory its process may work
//
// DESCRIPTION
//     The mailbox is what authd names (userdb_mail: "maildir:PATH", "mbox:PATH", Dovecot's options behind a colon; a
//     bare path is a Maildir), else where local(8) delivers: home_mailbox, a Maildir when it ends in "/" and an mbox
//     file when not; without one, mail_spool_directory is used for users who have no Maildir in their home.
//
//     The root is what the session process may touch: the Maildir, or the directory of an mbox file and its lock.
//     Where the mailbox lies beneath a directory of virtual_mailbox_base, the root is that directory, so that one
//     process can serve all users who share its uid.
//
// ERRORS
//     temporary: no home, a kind of mailbox that is not served, a path that leaves its place.
#pragma once

#include <string>

#include "libcommon/auth/auth_client.h"
#include "pop3d/params.h"

namespace umaya::pop3d {

struct Location {
  std::string name;  ///< "maildir:/home/kim/Maildir"
  std::string root;
};

Result<Location> locate(const auth::LoginData& data, const Params& params);

}  // namespace umaya::pop3d
