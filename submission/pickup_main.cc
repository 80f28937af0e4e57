// NAME    pickup - takes messages that programs of this host have posted
//
// SYNOPSIS
//     pickup [Postfix's daemon options]
//
// DESCRIPTION
//     Looks into maildrop/ at every trigger, once a minute by master.cf's wakeup, and at the start. Adds the Received:
//     line with the posting user's uid, gives the message to cleanup, and removes the file when cleanup has it on disk.
//     A file that the queue has already, because a crash came before its removal, is removed and not posted again.
//
// RECEIVES FROM
//     postdrop(1), postsuper(1) -r, by files in maildrop/ and a one-byte trigger to public/pickup.
//
// HANDS TO
//     cleanup(8); bounce(8) for a message that cleanup rejects.
//
// PRIVILEGE
//     mail_owner. Nothing in a file is believed: who owns it decides.
//
// FILES
//     maildrop/, corrupt/
//
// SEE ALSO
//     sendmail(1), postdrop(1), cleanup(8)
#include "libcommon/daemon/queue_hooks.h"
#include "submission/pickup.h"

namespace umaya::submission {
namespace {

std::unique_ptr<Pickup> pickup;

Result<void> start(daemon::Process& process) {
  PickupParams params;
  UMAYA_CHECK(config::bind(process.config(), kPickupBindings, params));
  pickup = std::make_unique<Pickup>(process, std::move(params));
  pickup->wake();
  process.scope().spawn(pickup->run());
  return {};
}

/// Whatever comes in is a trigger.
event::Task<void> session(daemon::Process&, Fd fd, event::PeerAddress) {
  ipc::Channel channel(std::move(fd));
  for (;;) {
    auto packet = co_await channel.receive_packet();
    if (!packet) co_return;
    pickup->wake();
  }
}

}  // namespace
}  // namespace umaya::submission

int main(int argc, char** argv) {
  using namespace umaya;
  daemon::Hooks hooks = daemon::queue_hooks("pickup", daemon::QueueAccess::change);
  hooks.resident = true;
  hooks.start = submission::start;
  hooks.session = submission::session;
  int status = daemon::run(argc, argv, std::move(hooks));
  submission::pickup.reset();
  return status;
}
