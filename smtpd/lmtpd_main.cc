// NAME
//     lmtpd - takes mail for mailboxes of this host from other mail servers (LMTP server)
//
// SYNOPSIS
//     lmtpd [-c config_directory] [-n service] [-o name=value] [-v]
//
// DESCRIPTION
//     Speaks LMTP (RFC 2033): PIPELINING, SIZE, VRFY, STARTTLS, ENHANCEDSTATUSCODES, 8BITMIME, SMTPUTF8, CHUNKING, and
//     XCLIENT and XFORWARD for listed hosts. A message is put into the mailboxes at once; behind its text each
//     recipient has a reply of its own: 250 when the message is durable in the mailbox, 4xx when the client shall try
//     again, 5xx when it shall tell the sender. There is no queue, and lmtpd sends no notices.
//
//     Stock Postfix in front of it has virtual_transport = lmtp:inet:127.0.0.1:24, or lmtp:unix:/PATH of the socket;
//     our own mail system lmtp:unix:private/lmtpd, where another host has taken the mail before. master.cf has the line
//     "127.0.0.1:24 inet n - n - - lmtpd" for a port, "lmtpd unix - - n - - lmtpd" for a socket. The socket of a
//     private service is for our own mail clients and members of the group of net_user; with "n" in the column
//     "private" it is public/lmtpd, open for everybody on this host. Over a network the clients are mynetworks; all
//     others are refused. Nobody logs in.
//
//     Recipients of local domains (mydestination) are delivered to by lmtpd_local_transport (local: aliases and
//     .forward files count, and what they send elsewhere is in the queue before the reply), those of
//     virtual_mailbox_domains by lmtpd_virtual_transport (virtual). Other domains are 550 5.1.2. transport_maps,
//     virtual_alias_maps, canonical tables and restrictions are the business of the host that the message was sent to,
//     and not looked at here; relocated_maps is.
//
//     RCPT asks the mailbox: an unknown user is 550 5.1.1, a full mailbox 452 4.2.2 or 552 5.2.2, trouble 451. Of one
//     user lmtpd_user_concurrency_limit deliveries may be under way; beyond that 451 4.3.0. Refused recipients do not
//     count as errors of the client.
//
//     A client that has not got our replies sends the message again. A message that came from a queue (it has a
//     Received field with a time) is known by its text then: what was delivered in a connection that broke is not
//     delivered again, and a Maildir gets no second file while the first is in new/, also when lmtpd was killed
//     between. Other messages are delivered as often as they come.
//
//     Of main.cf the parameters of the session with smtpd count here, too: smtpd_timeout, smtpd_recipient_limit,
//     smtpd_*_error_limit, smtpd_tls_*, smtpd_discard_ehlo_keywords, smtpd_upstream_proxy_protocol,
//     smtpd_authorized_xclient_hosts, smtpd_authorized_xforward_hosts, smtpd_reject_footer. message_size_limit,
//     line_length_limit and hopcount_limit (554 5.4.6) as well. STARTTLS is not offered on a Unix socket.
//
//     File names in a Maildir say how large a message is: S= octets of the file, W= octets with CRLF line ends.
//
//     Messages are held in memory until they are delivered, lmtpd_memory_limit octets at most; beyond that 452 4.3.1.
//
// RECEIVES FROM
//     other mail servers, and lmtp(8): master.cf services of the command lmtpd
//
// HANDS TO
//     local, virtual (private/NAME): questions about recipients, messages
//     tlsmgr (private/tlsmgr): certificates, signatures, keys of session tickets
//
// PRIVILEGE
//     net_user, in a sandbox. Reads its tables; writes nothing.
//
// FILES
//     /etc/umaya/main.cf, /etc/umaya/master.cf
//
// SEE ALSO
//     smtpd(8), lmtp(8), local(8), virtual(8), become(8), tlsmgr(8), main.cf(5)
#include "smtpd/service.h"

using namespace umaya;

int main(int argc, char** argv) {
  std::unique_ptr<smtpd::Service> service;
  daemon::Hooks hooks;
  hooks.name = "lmtpd";
  hooks.run_as = daemon::RunAs::net_user;
  hooks.resident = true;  // it remembers deliveries whose replies nobody has read
  hooks.prepare = [&service](daemon::Process& process) -> Result<void> {
    UMAYA_TRY(service, smtpd::Service::create(process, smtpd::Protocol::lmtp));
    return {};
  };
  hooks.sandbox = [](const daemon::Process&) {
    return daemon::SandboxPolicy{
        .read = {"/etc/resolv.conf", "/etc/hosts", "/etc/passwd", "/etc/group", "/etc/nsswitch.conf"}, .write = {}};
  };
  hooks.start = [&service](daemon::Process&) { return service->start_tls(); };
  hooks.session = [&service](daemon::Process&, Fd fd, event::PeerAddress peer) {
    return service->serve(std::move(fd), peer);
  };
  hooks.stop = [&service](daemon::Process&) { service->stop(); };
  return daemon::run(argc, argv, std::move(hooks));
}
