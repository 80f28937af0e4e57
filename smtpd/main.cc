// NAME
//     smtpd - receives mail from the network (SMTP server)
//
// SYNOPSIS
//     smtpd [-c config_directory] [-n service] [-o name=value] [-v]
//     smtpd -S                                     (sendmail -bs: one session on standard input and output)
//
// DESCRIPTION
//     Speaks SMTP and ESMTP (PIPELINING, SIZE, VRFY, ETRN, AUTH, ENHANCEDSTATUSCODES, 8BITMIME, DSN, SMTPUTF8,
//     CHUNKING) with clients, decides by the smtpd_*_restrictions who may send what to whom, and hands each message to
//     cleanup while it arrives. "250 queued" is said only when cleanup has the message safe on disk.
//
//     One process serves many sessions. Only CRLF.CRLF ends a message. A client that talks before its turn, makes too
//     many errors, sends too slowly or comes too often is sent away; smtpd_client_*_limit are counted by anvil for all
//     processes together. Two NOOPs count as one junk command.
//
//     One session in ten is kept for clients that have none: who holds many, idle or slow, cannot keep out the others.
//     While only those are free the process is under stress: smtpd_timeout, smtpd_hard_error_limit and
//     smtpd_junk_command_limit have the values that they have with a non-empty "stress", for sessions that idle
//     already, too. A process notices this itself; "-o stress=yes" in master.cf puts it under stress for good.
//
//     XCLIENT and XFORWARD are for listed hosts only (smtpd_authorized_xclient_hosts, smtpd_authorized_xforward_hosts):
//     who may use XCLIENT may speak as any client, with that client's rights. A service that gets its connections from
//     a load balancer has "-o smtpd_upstream_proxy_protocol=haproxy": then every connection must begin with a PROXY
//     header (version 1 or 2), which is believed, so nobody but the balancer may reach that port. DESTADDR and DESTPORT
//     are not taken.
//
//     XVERP at MAIL (one sender address for each recipient) is for smtpd_authorized_verp_clients.
//
//     With smtpd_proxy_filter messages go to an SMTP server that looks into them before anything is queued, and whose
//     replies are the client's: MAIL and RCPT as the client gave them, XFORWARD when the filter takes it, and the text,
//     in which no line end but CRLF is left. The filter posts what it lets pass to another smtpd. It gets
//     smtpd_proxy_timeout for each step; whatever goes wrong with it is 451 4.3.0 for the client. With speed_adjust in
//     smtpd_proxy_options it is not called before the message is there, which waits in memory until then (64 MiB for
//     all messages of a process; what does not fit goes through as it comes); it must then take or refuse all
//     recipients alike. HOLD, DISCARD, FILTER, REDIRECT and BCC of access tables have no effect before a filter.
//
//     STARTTLS is offered unless smtpd_tls_security_level is none; with smtpd_tls_wrappermode TLS begins at once. The
//     private keys are tlsmgr's: smtpd has certificates only, and asks for each signature. Certificates that are
//     replaced count for new connections within two seconds. A host without any has a self-signed one. A handshake may
//     take smtpd_starttls_timeout as a whole; a client that asks by ALPN for another protocol than "smtp" is refused.
//
//     smtpd_reject_footer_maps is asked with the whole reply ("550 5.1.1 …"); tables that have to wait for another
//     process (tcp, socketmap) cannot be asked there.
//
//     When a session had errors of the notify_classes, error_notice_recipient gets its transcript (bounce counts as
//     policy here), at most one in a minute from each process.
//
//     With smtpd_sasl_auth_enable users log in (AUTH). Passwords are checked by authd, or by Dovecot with
//     smtpd_sasl_path of its auth socket; smtpd_sasl_type = dovecot, the default, is what both speak, and cyrus is not
//     supported. Only mechanisms that are allowed on the line as it is are offered: smtpd_tls_auth_only,
//     smtpd_sasl_security_options, smtpd_sasl_tls_security_options, smtpd_sasl_mechanism_filter. Who has logged in
//     passes permit_sasl_authenticated. When the authentication server cannot be asked the answer is 454, never "wrong
//     password". Each wrong password in a session makes the next answer come smtpd_error_sleep_time later, and
//     smtpd_hard_error_limit ends it. smtpd_sender_login_maps says who may use which sender address, for
//     reject_sender_login_mismatch and its relatives. smtpd_sasl_local_domain has no effect, as in Postfix with
//     Dovecot.
//
//     For mail programs of users, master.cf has the services submission (port 587, STARTTLS) and submissions (port 465,
//     TLS from the start) as comments; remove the # and start authd (service auth).
//
//     A recipient whose mailbox has no room for the message (SIZE= of MAIL counts, when the client says it) is refused
//     with 452 4.2.2, or 552 5.2.2 where over quota is permanent, so that nobody has to send it back later. local and
//     virtual are asked, also for an alias of one address; smtpd_over_quota_timeout bounds the wait, and when there is
//     no answer the mail is taken. This is done after all restrictions when main.cf sets a quota (mailbox_quota,
//     mailbox_quota_maps, virtual_mailbox_quota, virtual_mailbox_limit_maps), unless smtpd_reject_over_quota is no; the
//     restriction reject_over_quota does it where it stands. The figures are in the log, not in the reply.
//
//     With pop_before_smtp_enable the restriction permit_pop_before_smtp lets clients through from whose address
//     somebody has logged in to pop3d within pop_before_smtp_time. Put it before reject_unauth_destination:
//         smtpd_relay_restrictions = permit_mynetworks, permit_sasl_authenticated, permit_pop_before_smtp,
//             reject_unauth_destination
//     It is for clients that cannot log in over SMTP: all who share the address (NAT) get the same right.
//
//     With -S there are no restrictions and no limits for clients: the user has a shell anyway.
//
// RECEIVES FROM
//     the network: master.cf services of the command smtpd
//
// HANDS TO
//     cleanup (public/cleanup): messages
//     anvil (private/anvil): counts of clients
//     flush (public/flush): ETRN
//     tlsmgr (private/tlsmgr): certificates, signatures, keys of session tickets
//     authd (private/auth): passwords, when users log in
//     local, virtual (private/local, private/virtual): questions whether a mailbox has room
//     the filter of smtpd_proxy_filter
//     policy servers of check_policy_service: questions about clients, senders and recipients
//
// PRIVILEGE
//     net_user, in a sandbox. Reads its tables; writes nothing.
//
// FILES
//     /etc/umaya/main.cf, /etc/umaya/master.cf, access tables
//
// SEE ALSO
//     cleanup(8), anvil(8), authd(8), flush(8), tlsmgr(8), access(5), main.cf(5)
#include "smtpd/service.h"

using namespace umaya;

int main(int argc, char** argv) {
  std::unique_ptr<smtpd::Service> service;
  daemon::Hooks hooks;
  hooks.name = "smtpd";
  hooks.run_as = daemon::RunAs::net_user;
  hooks.prepare = [&service](daemon::Process& process) -> Result<void> {
    UMAYA_TRY(service, smtpd::Service::create(process, smtpd::Protocol::smtp));
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
  hooks.stand_alone = [&service](daemon::Process&) { return service->stand_alone(); };
  return daemon::run(argc, argv, std::move(hooks));
}
