// NAME
//     anvil - counts how often clients connect
//
// SYNOPSIS
//     anvil [-c config_directory] [-n service] [-o name=value] [-v]
//
// DESCRIPTION
//     Keeps, for each client of each service, the number of open connections and the number of connections, messages
//     recipients and AUTH commands within anvil_rate_time_unit, so that smtpd processes can hold clients to
//     smtpd_client_*_limit together. Every anvil_status_update_time, and at its end, it logs the highest values.
//
//     With pop_before_smtp_enable it remembers for pop_before_smtp_time from which addresses somebody has logged in to
//     fetch mail, for permit_pop_before_smtp in restriction lists of smtpd. At most 100,000 addresses are kept.
//
//     Nothing is stored: a reload changes nothing, with the end of the process all is forgotten.
//
// RECEIVES FROM
//     smtpd (private/anvil): connect, disconnect, message, recipient, AUTH; whether somebody has logged in from there
//     pop3d (private/anvil): addresses from which somebody has logged in
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
//     smtpd(8), pop3d(8), main.cf(5)
#include "libcommon/daemon/daemon.h"
#include "libcommon/log/log.h"
#include "smtpd/anvil.h"

using namespace umaya;

static std::unique_ptr<smtpd::AnvilState> state;

/// Takes the settings over, without forgetting anything.
static Result<void> apply(const config::Config& config) {
  UMAYA_TRY(Duration unit, config.get_time("anvil_rate_time_unit"));
  UMAYA_TRY(bool keep_logins, config.get_bool("pop_before_smtp_enable"));
  UMAYA_TRY(Duration lifetime, config.get_time("pop_before_smtp_time"));
  if (!keep_logins) lifetime = Duration{};
  if (!state) {
    state.reset(new smtpd::AnvilState{smtpd::AnvilCounts(unit), smtpd::RecentLoginTable(lifetime)});
  } else {
    state->counts.set_unit(unit);
    state->logins.set_lifetime(lifetime);
  }
  return {};
}

static void reload(daemon::Process& process) {
  std::vector<std::string> overrides;  // of our line in master.cf
  for (const config::Setting& setting : process.config().main_cf().settings) {
    if (setting.line == 0) overrides.push_back(setting.name + "=" + setting.value);
  }
  auto config = config::Config::load(process.config().directory(), overrides);
  auto applied = config ? apply(*config) : std::unexpected(config.error());
  if (!applied) log::error("{}: the old settings stay in force", applied.error().what);
}

static event::Task<void> report(Duration every) {
  while (true) {
    co_await event::sleep(every);
    state->counts.log_statistics();
  }
}

int main(int argc, char** argv) {
  daemon::Hooks hooks;
  hooks.name = "anvil";
  hooks.resident = true;
  hooks.prepare = [](daemon::Process& process) { return apply(process.config()); };
  hooks.start = [](daemon::Process& process) -> Result<void> {
    UMAYA_TRY(Duration every, process.config().get_time("anvil_status_update_time"));
    process.scope().spawn(report(every));
    return {};
  };
  hooks.session = [](daemon::Process&, Fd fd, event::PeerAddress) {
    return smtpd::serve_anvil(state.get(), std::move(fd));
  };
  hooks.reload = reload;
  int code = daemon::run(argc, argv, std::move(hooks));
  if (state) state->counts.log_statistics();
  return code;
}
