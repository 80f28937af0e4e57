// NAME    user_data - where a user's session runs and finds the mail: uid, gid, home, mail
//
// DESCRIPTION
//     What the source of the user says counts. What it leaves out is looked for, in this order, in
//       auth_user_maps          name -> "uid=1001 gid=1001 home=/srv/mail/x mail=maildir:~/Maildir …"
//       virtual mailboxes       user@domain in virtual_mailbox_domains: virtual_mailbox_base and virtual_mailbox_maps
//                               give the mailbox, virtual_uid_maps and virtual_gid_maps the ids (as for virtual(8))
//       auth_user_defaults      the same fields for everybody; %u, %n, %d stand for name, local part and domain
//       users of the system     of that name
//
// ERRORS
//     temporary: a table cannot be asked, a value is malformed, the user has no uid or gid, or one below
//     auth_first_valid_uid.
#pragma once

#include <string>

#include "authd/params.h"
#include "authd/sources/source.h"
#include "libcommon/auth/auth_client.h"
#include "libcommon/table/maps.h"
#include "libcommon/table/match_list.h"

namespace umaya::authd {

class UserData {
 public:
  UserData(const Params& params, const table::Options& tables);
  event::Task<Result<auth::LoginData>> complete(auth::PasswdEntry entry);

 private:
  event::Task<Result<void>> ask_user_maps(auth::PasswdEntry* entry);
  event::Task<Result<void>> ask_virtual(auth::PasswdEntry* entry);
  Result<void> apply_defaults(auth::PasswdEntry* entry) const;
  Result<void> ask_system(auth::PasswdEntry* entry) const;
  Result<auth::LoginData> judge(auth::PasswdEntry entry) const;

  const Params& params_;
  table::AddressRules rules_;
  table::MatchList virtual_domains_;
  table::Maps user_maps_, mailboxes_, uids_, gids_;
};

}  // namespace umaya::authd
