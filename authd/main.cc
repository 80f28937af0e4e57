// NAME    authd - password check
//
// SYNOPSIS
//     authd [daemon options]                  (see daemon options in master(8))
//
// DESCRIPTION
//     Tells the daemons that talk to users whether a password is right, so that none of them ever sees the password
//     file. Speaks Dovecot's authentication protocol on its socket, private/auth as a rule, so that Postfix
//     (smtpd_sasl_type = dovecot) and Umaya's own daemons can ask. Mechanisms: PLAIN and LOGIN.
//
//     auth_passwd_file names users and passwords in Dovecot's passwd-file format; it is read again when it has changed.
//     uid, gid and home may be left out there for users of the system.
//
//     A wrong password, an unknown user and a disabled one are answered alike and after the same time
//     (auth_failure_delay). Trouble of ours is answered as temporary, never as a wrong password.
//
// RECEIVES FROM
//     pop3d, smtpd: user names and passwords of their clients
// HANDS TO
//     pop3d's session process: uid, gid, home of who has logged in
// PRIVILEGE
//     mail_owner; the password file must be readable for that account and for nobody else.
// FILES
//     auth_passwd_file (/etc/umaya/users)
// SEE ALSO
//     pop3d(8), smtpd(8), crypt(5)
#include <sys/socket.h>
#include <unistd.h>

#include <memory>
#include <thread>

#include "authd/session.h"
#include "libcommon/daemon/daemon.h"
#include "libcommon/fs/file.h"
#include "libcommon/log/log.h"

namespace umaya::authd {

namespace {

std::unique_ptr<Shared>& shared() {
  static std::unique_ptr<Shared> state;
  return state;
}

Result<void> start(daemon::Process& process) {
  Params params;
  UMAYA_CHECK(config::bind(process.config(), kBindings, params));
  // Nothing of an ordinary user's instance is root's, and its users are all that user.
  if (!process.privileged()) params.first_valid_uid = 0;
  shared() = std::make_unique<Shared>(std::move(params), std::max(1u, std::thread::hardware_concurrency()));
  auto readable = shared()->authenticator.refresh();
  if (!readable) log::warning("{}; nobody can log in before this is mended", readable.error().what);
  return {};
}

/// Who is at the other end: root, or whoever we are, may fetch log-ins.
Session::Trust trust_in(int fd) {
  ucred peer{};
  socklen_t size = sizeof peer;
  if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return Session::Trust::client;
  return peer.uid == 0 || peer.uid == geteuid() ? Session::Trust::master : Session::Trust::client;
}

event::Task<void> serve(daemon::Process&, Fd fd, event::PeerAddress) {
  Session::Trust trust = trust_in(fd.get());
  Session session(std::move(fd), *shared(), trust);
  co_await session.run();
}

daemon::SandboxPolicy sandbox(const daemon::Process& process) {
  return {.read = {fs::parent_directory(process.config().get("auth_passwd_file")), "/etc"}, .write = {}};
}

}  // namespace

}  // namespace umaya::authd

int main(int argc, char** argv) {
  using namespace umaya;
  return daemon::run(argc, argv,
                     {.name = "authd",
                      .run_as = daemon::RunAs::mail_owner,
                      .sandbox = authd::sandbox,
                      .start = authd::start,
                      .session = authd::serve});
}
