// NAME
//     tlsmgr - keeps the private keys of TLS and signs with them
//
// SYNOPSIS
//     tlsmgr [Postfix's daemon options]
//
// DESCRIPTION
//     The processes that talk to the network have no private key. They get certificates from here, and for each full
//     handshake one signature. Signatures are all that can be had: nothing is decrypted, and what does not have the
//     form of a handshake is not signed.
//
//     Certificates and keys are those that smtpd_tls_*, pop3_tls_*, smtp_tls_* and lmtp_tls_* name in main.cf and in
//     the options of master.cf, and, for server names that clients ask for, tls_server_sni_maps. Files are looked at
//     again when somebody asks for a certificate, every two seconds at most: replaced ones count from then on, without
//     a reload and without harm to connections. Files that cannot be read or do not belong together are reported in the
//     log, and what was read before stays in use.
//
//     A reload changes what is configured, and not the process: mail sessions before it go on with the certificates of
//     theirs, and tickets stay good. Other options in master.cf, or a new program, need a start.
//
//     A host without any certificate gets a self-signed one, beneath data_directory.
//
//     Keys for session tickets are made here, too: for each service others, new ones after each
//     smtpd_tls_session_cache_timeout. They are never on disk.
//
// RECEIVES FROM
//     smtpd(8), pop3d(8), smtp(8) and lmtp(8), by private/tlsmgr.
//
// HANDS TO
//     nobody
//
// PRIVILEGE
//     Starts as root to read keys, then mail_owner without any file. A child process keeps the right to read files
//     (CAP_DAC_READ_SEARCH); it reads those that are configured, and parses nothing in them.
//
// FILES
//     data_directory/self-signed.pem
//
// SEE ALSO
//     postconf(1), main.cf(5), smtpd(8)
#include <sys/prctl.h>

#include "libcommon/daemon/daemon.h"
#include "libcommon/event/loop.h"
#include "libcommon/log/log.h"
#include "libcommon/tls/identity/self_signed.h"
#include "libcommon/tls/identity/sets.h"
#include "tlsmgr/session.h"

namespace umaya::tlsmgr {
namespace {

std::unique_ptr<Service> service;
std::unique_ptr<Reader> reader;

Result<void> prepare(daemon::Process& process) {
  const config::Config& config = process.config();
  UMAYA_TRY(tls::Sets sets, tls::find_sets(config));
  service = std::make_unique<Service>();
  if (sets.needs_self_signed) {
    auto made = tls::ensure_self_signed(config);
    if (!made) log::warning("{}", made.error().what);
    if (made && *made) tls::log_self_signed(config);
  }
  std::vector<std::string> paths;
  for (const tls::IdentityFiles& files : sets.files) {
    std::vector<tls::SourceFile> sources;
    for (const std::string& path : files.paths()) {
      sources.push_back(tls::read_source(path));
      paths.push_back(path);
    }
    service->store().load(files, std::move(sources));
  }
  UMAYA_TRY(reader, Reader::start(process, std::move(paths)));
  // Only root can make the certificate: the next process, while it is that.
  service->store().use(*reader, [&process] {
    service->close_idle();
    process.retire();
  });
  return {};
}

event::Task<void> session(daemon::Process&, Fd fd, event::PeerAddress) {
  return service->serve(std::move(fd));
}

}  // namespace
}  // namespace umaya::tlsmgr

int main(int argc, char** argv) {
  using namespace umaya;
  event::use_coarse_timers();
  daemon::Hooks hooks;
  hooks.name = "tlsmgr";
  hooks.run_as = daemon::RunAs::mail_owner;
  hooks.resident = true;
  hooks.prepare = tlsmgr::prepare;
  hooks.sandbox = [](const daemon::Process& process) {
    if (process.privileged()) prctl(PR_SET_DUMPABLE, 0);  // neither cores nor debuggers get the keys
    daemon::SandboxPolicy policy;
    policy.sockets = daemon::NewSockets::forbidden;
    return policy;
  };
  hooks.session = tlsmgr::session;
  hooks.stop = [](daemon::Process&) { tlsmgr::service->close_idle(); };
  hooks.reload = [](daemon::Process& process) { process.scope().spawn(tlsmgr::service->store().reload()); };
  int status = daemon::run(argc, argv, std::move(hooks));
  tlsmgr::service.reset();
  tlsmgr::reader.reset();
  return status;
}
