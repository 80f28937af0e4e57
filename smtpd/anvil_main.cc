// NAME
//     anvil - counts how often clients connect
//
// SYNOPSIS
//     anvil [-c config_directory] [-n service] [-o name=value] [-v]
//
// DESCRIPTION
//     Keeps, for each client of each service, the number of open connections and the number of connections, messages
//     and recipients within anvil_rate_time_unit, so that smtpd processes can hold clients to smtpd_client_*_limit
//     together. Every anvil_status_update_time, and at its end, it logs the highest values.
//     Nothing is stored: counts begin at zero with the process.
//
// RECEIVES FROM
//     smtpd (private/anvil): connect, disconnect, message, recipient
//
// HANDS TO
//     nobody
//
// PRIVILEGE
//     mail_owner, in a sandbox without any file.
//
// FILES
//     /etc/umaya/main.cf
//
// SEE ALSO
//     smtpd(8), main.cf(5)
#include "libcommon/daemon/daemon.h"
#include "smtpd/anvil.h"

using namespace umaya;

static event::Task<void> report(smtpd::AnvilCounts* counts, Duration every) {
  while (true) {
    co_await event::sleep(every);
    counts->log_statistics();
  }
}

int main(int argc, char** argv) {
  std::unique_ptr<smtpd::AnvilCounts> counts;
  daemon::Hooks hooks;
  hooks.name = "anvil";
  hooks.prepare = [&counts](daemon::Process& process) -> Result<void> {
    UMAYA_TRY(Duration unit, process.config().get_time("anvil_rate_time_unit"));
    counts = std::make_unique<smtpd::AnvilCounts>(unit);
    return {};
  };
  hooks.start = [&counts](daemon::Process& process) -> Result<void> {
    UMAYA_TRY(Duration every, process.config().get_time("anvil_status_update_time"));
    process.scope().spawn(report(counts.get(), every));
    return {};
  };
  hooks.session = [&counts](daemon::Process&, Fd fd, event::PeerAddress) {
    return smtpd::serve_anvil(counts.get(), std::move(fd));
  };
  int code = daemon::run(argc, argv, std::move(hooks));
  if (counts) counts->log_statistics();
  return code;
}
