// NAME    pop3d - POP3 server
//
// SYNOPSIS
//     pop3d [daemon options]                  (see daemon options in master(8))
//
// DESCRIPTION
//     Lets users fetch their mail with POP3 (RFC 1939): USER, PASS, STAT, LIST, RETR, DELE, TOP, UIDL, NOOP, RSET,
//     QUIT, CAPA (RFC 2449, 3206), STLS (RFC 2595), AUTH (RFC 5034), UTF8 and LANG (RFC 6856), and APOP where the
//     authentication server offers it. Passwords are checked by authd, or by Dovecot's server: auth_socket_path
//     is its listener whose name ends in "-login" then, auth_master_socket_path the one that ends in "-master". CAPA
//     lists what is possible just then, and nothing else.
//
//     The mailbox is the Maildir or mbox file that authd names for the user (userdb_mail), else where local(8)
//     delivers: home_mailbox, else Maildir in the home directory if there is one, else the user's file in
//     mail_spool_directory.
//
//     A message keeps its UIDL for as long as it lives. Messages are removed at QUIT only, and are durably gone when
//     QUIT is answered; so are those older than pop3_expire. What was fetched with RETR is marked as read, unless
//     pop3_no_flag_updates = yes. One session has a mailbox at a time; a second is refused with [IN-USE]. Passwords
//     over an unencrypted line are refused but from this host itself, unless pop3_disable_plaintext_auth = no.
//
//     Clients that do not give UTF8 get UTF-8 in headers as encoded words (RFC 2047), addresses that are not ASCII as
//     invalid@internationalized-address.invalid (RFC 6858). STAT and LIST tell the size of the message as it is stored,
//     which for such a message is not what RETR sends; the first line of RETR's answer is exact. NUL is sent as octet
//     128.
//
//     "umaya who" lists the users who are logged in, "umaya kick" ends sessions.
//
//     A service for port 995 has "-o pop3_tls_wrappermode=yes"; one behind load balancers
//     "-o pop3_upstream_proxy_protocol=haproxy", with their addresses in pop3_upstream_proxy_networks.
//
// RECEIVES FROM
//     mail programs: their commands; authd: whether a password is right, and whose mailbox it opens
// HANDS TO
//     mail programs: messages
// PRIVILEGE
//     Until the user is known: net_user, without any file, and without the right to connect or to signal anybody. A
//     small part that stays root, and talks to no client, hears from authd who has logged in and keeps a process for
//     each owner of mailboxes, which has become that owner for good and may touch the mailbox alone; users who share a
//     uid and lie beneath virtual_mailbox_base share a process. TLS stays in the process of net_user.
// FILES
//     ~/Maildir of the users; private/sessions.pop3.PID for "umaya who"; private/pop3d.limits
// SEE ALSO
//     authd(8), local(8), tlsmgr(8), umaya(1), master(8)
#include "libcommon/event/loop.h"
#include "pop3d/service.h"

int main(int argc, char** argv) {
  using namespace umaya;
  event::use_coarse_timers();
  int code = daemon::run(argc, argv,
                         {.name = "pop3d",
                          .run_as = daemon::RunAs::net_user,
                          .prepare = pop3d::prepare,
                          .sandbox = pop3d::sandbox,
                          .start = pop3d::start,
                          .session = pop3d::session,
                          .stop = pop3d::stop});
  pop3d::finish();
  return code;
}
