// NAME    become - does work with the rights of a user
//
// DESCRIPTION
//     The one part of mail delivery that keeps the rights of root, and therefore does next to nothing: for each
//     connection it reads whose rights are wanted, forks, and the child gives up everything else for good before it
//     touches a file. The child then serves the connection: it puts messages into the user's Maildir or mbox, reads the
//     user's .forward file or a list, or runs the user's command.
//     The user root is worked for only to put mail into its mailbox and to read its .forward file, and then without any
//     capability. Nothing is ever run with the rights of root.
//     Without root (an instance of an ordinary user) everything is done as that user, and any other is refused.
//
// RECEIVES FROM
//     local, virtual, pipe: private/become
//
// HANDS TO
//     the recipients' files and commands
//
// PRIVILEGE
//     root, kept; the socket is reachable by the mail system's user only
//
// FILES
//     mailboxes, .forward files, :include: files of the recipients
//
// SEE ALSO
//     local(8), virtual(8), pipe(8), master(8)
#include "libcommon/daemon/daemon.h"
#include "local-delivery/become/become.h"

int main(int argc, char** argv) {
  using namespace umaya;
  return daemon::run(argc, argv,
                     {.name = "become",
                      .run_as = daemon::RunAs::root,
                      .resident = true,
                      .prepare = local_delivery::prepare_become,
                      .session = local_delivery::become_session,
                      .reload = local_delivery::reload_become});
}
