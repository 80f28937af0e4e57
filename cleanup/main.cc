// NAME    cleanup - takes new messages into the queue
//
// SYNOPSIS
//     cleanup [Postfix's daemon options]
//
// DESCRIPTION
//     Completes headers (Message-Id, Date, From, To), rewrites addresses in envelope and headers (canonical_maps,
//     masquerade_domains), expands virtual_alias_maps, adds copies (always_bcc, sender_bcc_maps, recipient_bcc_maps),
//     applies header_checks and body_checks, limits hops and size, removes duplicate recipients, and writes the queue
//     file. It answers when the file is on the disk: many messages share one flush.
//
//     Below queue_minfree no mail is taken but notices. While the queue manager is more than default_process_limit
//     messages behind, each new message rests for in_flow_delay first.
//
// RECEIVES FROM
//     smtpd(8), pickup(8), bounce(8), local(8), by public/cleanup.
//
// HANDS TO
//     qmgr(8), by a file in incoming/ (or hold/) and its id to public/qmgr.
//
// PRIVILEGE
//     mail_owner. Writes below the queue directory only, has no network, starts no programs.
//
// FILES
//     incoming/, hold/
//
// SEE ALSO
//     smtpd(8), pickup(8), qmgr(8), header_checks(5), canonical(5), virtual(5), main.cf(5)
#include "cleanup/service.h"
#include "cleanup/session.h"
#include "libcommon/daemon/queue_hooks.h"

namespace umaya::cleanup {
namespace {

std::unique_ptr<Service> service;

Result<void> prepare(daemon::Process& process) {
  UMAYA_TRY(service, Service::open(process.config()));
  return {};
}

Result<void> start(daemon::Process& process) {
  service->start(process.scope());
  return {};
}

event::Task<void> session(daemon::Process& process, Fd fd, event::PeerAddress) {
  return serve(*service, process, std::move(fd));
}

}  // namespace
}  // namespace umaya::cleanup

int main(int argc, char** argv) {
  using namespace umaya;
  daemon::Hooks hooks = daemon::queue_hooks("cleanup", daemon::QueueAccess::change);
  hooks.prepare = cleanup::prepare;
  hooks.start = cleanup::start;
  hooks.session = cleanup::session;
  int status = daemon::run(argc, argv, std::move(hooks));
  cleanup::service.reset();
  return status;
}
