#include "queue-manager/callers.h"

#include <sys/socket.h>
#include <unistd.h>

namespace umaya::qmgr {

Result<Callers> Callers::of(const daemon::Process& process) {
  Callers callers;
  callers.owner_ = ::geteuid();
  if (!process.privileged()) return callers;
  UMAYA_TRY(daemon::Account owner, daemon::find_user(process.config().get("mail_owner")));
  callers.owner_ = owner.uid;
  // Accounts that do not exist cannot call; whoever needs them says so at its own start.
  if (auto net = daemon::find_user(process.config().get("net_user"))) callers.net_user_ = net->uid;
  if (auto commands = daemon::find_group(process.config().get("setgid_group"))) callers.commands_ = *commands;
  return callers;
}

Caller Callers::identify(int fd) const {
  ucred peer{};
  socklen_t size = sizeof peer;
  if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0) return Caller::stranger;
  return classify(peer.uid, peer.gid);
}

Caller Callers::classify(uid_t uid, gid_t gid) const {
  if (uid == 0 || uid == owner_) return Caller::owner;
  if (net_user_ && uid == *net_user_) return Caller::agent;
  if (commands_ && gid == *commands_) return Caller::command;
  return Caller::stranger;
}

}  // namespace umaya::qmgr
