// NAME    qmgr - the queue manager
//
// SYNOPSIS
//     qmgr [Postfix's daemon options]
//
// DESCRIPTION
//     Takes new messages from incoming/, and those whose time has come from deferred/, into active/; resolves their
//     recipients; hands them to delivery agents, so many at a time for each destination as that bears; records what
//     became of each recipient; has notices sent; removes what is done, puts back what has to wait.
//     Between two tries of a message there is as much time as it has waited so far, at least minimal_backoff_time, at
//     most maximal_backoff_time. After maximal_queue_lifetime it goes back to its sender.
//     A small message never waits for a long list, nor one destination for another.
//
// RECEIVES FROM
//     cleanup(8), with the names of new messages; postqueue(1), flush(8).
//
// HANDS TO
//     smtp(8), local(8), virtual(8), pipe(8), error(8), discard(8) over private/; bounce(8).
//
// PRIVILEGE
//     mail_owner; no network, no program is run.
//
// FILES
//     incoming/, active/, deferred/, corrupt/; maildrop/, where what pickup has posted may be left after a crash
//
// SEE ALSO
//     postqueue(1), postsuper(1), master(8), postconf(5)
#include <unistd.h>

#include "libcommon/daemon/queue_hooks.h"
#include "libcommon/log/log.h"
#include "queue-manager/queue_manager.h"

namespace umaya::qmgr {
namespace {

std::unique_ptr<QueueManager> manager;

Result<void> prepare(daemon::Process& process) {
  if (::chdir(process.queue_path("").c_str()) < 0) return sys_error("chdir " + process.queue_path(""));
  UMAYA_TRY(manager, QueueManager::create(process));
  return {};
}

Result<void> start(daemon::Process&) {
  manager->start();
  return {};
}

event::Task<void> session(daemon::Process&, Fd fd, event::PeerAddress) {
  return manager->session(std::move(fd));
}

}  // namespace
}  // namespace umaya::qmgr

int main(int argc, char** argv) {
  using namespace umaya;
  daemon::Hooks hooks = daemon::queue_hooks("qmgr", daemon::QueueAccess::change);
  hooks.resident = true;
  hooks.prepare = qmgr::prepare;
  hooks.start = qmgr::start;
  hooks.session = qmgr::session;
  hooks.reload = [](daemon::Process& process) {
    process.retire();
    qmgr::manager->hand_over();
  };
  int status = daemon::run(argc, argv, std::move(hooks));
  qmgr::manager.reset();
  return status;
}
