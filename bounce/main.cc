// NAME    bounce - keeps what failed, and writes the notices about it
//
// SYNOPSIS
//     bounce [Postfix's daemon options]
//
// DESCRIPTION
//     Serves as bounce, defer and trace of master.cf. Keeps for each message a log of recipients that failed, were
//     deferred, or shall be reported (DSN success, sendmail -v and -bv), and makes from it the notice to the sender:
//     an RFC 3464 report with words for people, the status of each recipient, and the message or its headers
//     (bounce_size_limit, RET). NOTIFY, RET, ENVID and ORCPT of RFC 3461 are followed. The null sender gets no notice;
//     notify_classes says of what postmaster gets a copy. The words come from bounce_template_file (bounce(5)).
//
// RECEIVES FROM
//     qmgr(8); pickup(8) for a message that cleanup rejected.
//
// HANDS TO
//     cleanup(8), as new messages.
//
// PRIVILEGE
//     mail_owner; no network, no program is run.
//
// FILES
//     bounce/, defer/, trace/
//
// SEE ALSO
//     qmgr(8), cleanup(8), postconf(1) -b and -t
#include "bounce/service.h"
#include "libcommon/daemon/queue_hooks.h"

namespace umaya::bounce {
namespace {

std::unique_ptr<Service> service;

Result<void> prepare(daemon::Process& process) {
  UMAYA_TRY(service, Service::create(process));
  return {};
}

event::Task<void> session(daemon::Process&, Fd fd, event::PeerAddress) {
  return service->session(std::move(fd));
}

}  // namespace
}  // namespace umaya::bounce

int main(int argc, char** argv) {
  using namespace umaya;
  daemon::Hooks hooks = daemon::queue_hooks("bounce", daemon::QueueAccess::change);
  hooks.prepare = bounce::prepare;
  hooks.session = bounce::session;
  int status = daemon::run(argc, argv, std::move(hooks));
  bounce::service.reset();
  return status;
}
