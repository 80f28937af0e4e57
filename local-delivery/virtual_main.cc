// NAME    virtual - delivers to mailboxes that are not users of this host
//
// DESCRIPTION
//     The mailbox of a recipient is $virtual_mailbox_base/ and what virtual_mailbox_maps says for the whole address
//     (with and without its extension, then for @domain): a Maildir when that ends in '/', an mbox otherwise. It is
//     written with the numeric rights that virtual_uid_maps and virtual_gid_maps give. A recipient that no table knows
//     is unknown; any other trouble defers the mail.
//
// RECEIVES FROM
//     qmgr: private/virtual
//
// HANDS TO
//     become: private/become
//
// PRIVILEGE
//     mail_owner
//
// FILES
//     virtual_mailbox_maps, virtual_uid_maps, virtual_gid_maps; mailboxes beneath virtual_mailbox_base
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
