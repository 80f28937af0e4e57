// NAME    proxymap - looks up tables for processes that may not open them
//
// SYNOPSIS
//     proxymap [Postfix's daemon options]
//
// DESCRIPTION
//     Answers look-ups in the tables that proxy_read_maps lists as proxy:type:name, and in no others. Most daemons open
//     such tables themselves; those that may not read the file ask here.
//
// RECEIVES FROM
//     smtpd(8) and every other program that uses proxy: tables, by private/proxymap.
//
// HANDS TO
//     nobody
//
// PRIVILEGE
//     mail_owner; reads tables, writes nothing.
//
// FILES
//     main.cf (proxy_read_maps)
//
// SEE ALSO
//     postmap(1), main.cf(5)
#include "libcommon/daemon/daemon.h"
#include "proxymap/session.h"

namespace umaya::proxymap {
namespace {

std::unique_ptr<Tables> tables;

Result<void> prepare(daemon::Process& process) {
  const config::Config& config = process.config();
  tables = std::make_unique<Tables>(table::options_from(config), config.get("proxy_read_maps"));
  return {};
}

event::Task<void> session(daemon::Process&, Fd fd, event::PeerAddress) {
  return serve(*tables, std::move(fd));
}

}  // namespace
}  // namespace umaya::proxymap

int main(int argc, char** argv) {
  using namespace umaya;
  daemon::Hooks hooks;
  hooks.name = "proxymap";
  hooks.run_as = daemon::RunAs::mail_owner;
  hooks.prepare = proxymap::prepare;
  hooks.session = proxymap::session;
  int status = daemon::run(argc, argv, std::move(hooks));
  proxymap::tables.reset();
  return status;
}
