// NAME    local - delivers to the users of this host
//
// DESCRIPTION
//     Takes requests from the queue manager. A recipient's name is looked up in alias_maps, then among the system's
//     users; .forward files are honoured; mail goes to a Maildir or mbox, to commands and files that aliases and users
//     name, and everything else that a name stands for goes back into the queue as a new message. Deliveries are made
//     by private/become with the rights of the recipient; this process has none of its own beyond the mail system's
//     user. With biff, comsat of this host is told of new mail in a mailbox of one file. Trouble with files, tables or
//     the user database defers mail; only a definite answer sends it back.
//
//     What a user's mailbox may hold stands in mailbox_quota_maps, by user name, or is mailbox_quota: "500M",
//     "524288000S,1000C" with a number of messages, or Dovecot's "storage=500M:messages=1000". A Maildir is counted by
//     the file maildirsize (Maildir++), together with Dovecot, Courier and pop3d; Trash folders count for nothing. Of
//     an mbox the size of its file counts. Mail that does not fit, or that the file system's quota keeps out, waits
//     with 4.2.2; with mailbox_overquota_bounce it is sent back with 5.2.2. smtpd refuses it before it is taken
//     (smtpd_reject_over_quota). Mail that commands, files and other transports get is not counted.
//
// RECEIVES FROM
//     qmgr: private/local
//     smtpd, umaya: questions whether a mailbox has room
//
// HANDS TO
//     become: private/become
//     cleanup: public/cleanup (forwarded mail)
//     the transports of mailbox_transport and fallback_transport
//
// PRIVILEGE
//     mail_owner
//
// FILES
//     alias_maps, mailbox_transport_maps, mailbox_command_maps, fallback_transport_maps, mailbox_quota_maps
//     ~/Maildir/maildirsize, with a quota
//
// SEE ALSO
//     aliases(5), become(8), virtual(8), pipe(8), qmgr(8)
#include "libcommon/daemon/delivery_hooks.h"
#include "local-delivery/agent.h"
#include "local-delivery/local_service.h"

int main(int argc, char** argv) {
  using namespace umaya;
  daemon::Hooks hooks;
  hooks.name = "local";
  hooks.prepare = local_delivery::prepare_local;
  hooks.sandbox = local_delivery::agent_sandbox;
  daemon::serve_deliveries(hooks, local_delivery::deliver_by_local);
  return daemon::run(argc, argv, std::move(hooks));
}
