// NAME    pop3d - POP3 server
//
// SYNOPSIS
//     pop3d [daemon options]                  (see daemon options in master(8))
//
// DESCRIPTION
//     Lets users fetch their mail with POP3 (RFC 1939, 2449, 3206): USER, PASS, STAT, LIST, RETR, DELE, TOP, UIDL,
//     NOOP, RSET, CAPA, QUIT. Passwords are checked by authd. The mailbox is the Maildir that authd names for the user
//     (userdb_mail), else home_mailbox when that ends in "/", else Maildir in the home directory.
//
//     A message keeps its UIDL for as long as it lives. Messages are removed at QUIT only, and are durably gone when
//     QUIT is answered. One session has a mailbox at a time; a second is refused with [IN-USE]. Passwords over an
//     unencrypted line are refused but from this host itself, unless pop3_disable_plaintext_auth = no.
//
// RECEIVES FROM
//     mail programs: their commands; authd: whether a password is right, and whose mailbox it opens
// HANDS TO
//     mail programs: messages
// PRIVILEGE
//     Until the user is known: net_user, without any file. A small part that stays root forks a process for each
//     log-in, which asks authd itself who logged in and then becomes the owner of the mailbox for good.
// FILES
//     ~/Maildir of the users
// SEE ALSO
//     authd(8), local(8), master(8)
#include "pop3d/service.h"

int main(int argc, char** argv) {
  using namespace umaya;
  return daemon::run(argc, argv,
                     {.name = "pop3d",
                      .run_as = daemon::RunAs::net_user,
                      .prepare = pop3d::prepare,
                      .sandbox = pop3d::sandbox,
                      .session = pop3d::session,
                      .stop = pop3d::stop});
}
