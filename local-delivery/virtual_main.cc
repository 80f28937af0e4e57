// NAME    virtual - delivers to mailboxes that are not users of this host
//
// DESCRIPTION
//     The mailbox of a recipient is $virtual_mailbox_base/ and what virtual_mailbox_maps says for the whole address
//     (with and without its extension, then for @domain): a Maildir when that ends in '/', an mbox otherwise. It is
//     written with the numeric rights that virtual_uid_maps and virtual_gid_maps give. A recipient that no table knows
//     is unknown; any other trouble defers the mail.
//
//     What a mailbox may hold stands in virtual_mailbox_limit_maps, searched as virtual_mailbox_maps, or is
//     virtual_mailbox_quota: "500M", "524288000S,1000C" with a number of messages, or Dovecot's
//     "storage=500M:messages=1000". A Maildir is counted by the file maildirsize (Maildir++), together with Dovecot,
//     Courier and pop3d; Trash folders count for nothing, and a folder (one with the file maildirfolder) counts with
//     the Maildir that it lies in. Of an mbox the size of its file counts. Mail that does not fit, or that the file
//     system's quota keeps out, waits with 4.2.2; with virtual_overquota_bounce it is sent back with 5.2.2. smtpd
//     refuses it before it is taken (smtpd_reject_over_quota). The names are those of Postfix's VDA patch;
//     virtual_mailbox_limit stays the limit of one file.
//
// RECEIVES FROM
//     qmgr: private/virtual
//     smtpd, umaya: questions whether a mailbox has room
//
// HANDS TO
//     become: private/become
//
// PRIVILEGE
//     mail_owner
//
// FILES
//     virtual_mailbox_maps, virtual_uid_maps, virtual_gid_maps, virtual_mailbox_limit_maps; mailboxes beneath
//     virtual_mailbox_base
//
// SEE ALSO
//     become(8), local(8), pipe(8), qmgr(8)
#include "libcommon/daemon/delivery_hooks.h"
#include "local-delivery/agent.h"
#include "local-delivery/virtual_service.h"

int main(int argc, char** argv) {
  using namespace umaya;
  daemon::Hooks hooks;
  hooks.name = "virtual";
  hooks.prepare = local_delivery::prepare_virtual;
  hooks.sandbox = local_delivery::agent_sandbox;
  daemon::serve_deliveries(hooks, local_delivery::deliver_by_virtual);
  return daemon::run(argc, argv, std::move(hooks));
}
