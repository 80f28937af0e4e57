// NAME    proxymap - looks up tables for processes that may not open them
//
// SYNOPSIS
//     proxymap [Postfix's daemon options]
//
// DESCRIPTION
//     Answers look-ups in databases (sqlite_table(5), mysql_table(5), pgsql_table(5), ldap_table(5)) and in the tables
//     that proxy_read_maps lists as proxy:type:name, and in no others. Databases are asked by this process alone,
//     whether main.cf names them with proxy: or without it: so all others share its connections, and none of them needs
//     a database's library or password. Other tables most daemons open themselves; those that may not read the file ask
//     here.
//
//     A database that main.cf or master.cf name without proxy: need not stand in proxy_read_maps. What is named by
//     auth_password_maps is looked up for authd(8) alone, not for processes that talk to the network.
//
//     Each table has at most eight connections (sqlite: four), which are closed when they are idle. A look-up that
//     cannot be answered is an error for who asks, and its mail waits; it is never "not found".
//
// RECEIVES FROM
//     smtpd(8) and every other program that uses databases or proxy: tables, by private/proxymap.
//
// HANDS TO
//     nobody
//
// PRIVILEGE
//     mail_owner, which must be able to read the tables and the .cf files of databases; writes nothing, but beside an
//     SQLite database in WAL mode.
//
// FILES
//     main.cf (proxy_read_maps)
//
// SEE ALSO
//     postmap(1), main.cf(5), sqlite_table(5), mysql_table(5), pgsql_table(5), ldap_table(5)
#include <sys/socket.h>
#include <unistd.h>

#include "libcommon/daemon/daemon.h"
#include "libcommon/databases/drivers.h"
#include "libcommon/fs/file.h"
#include "proxymap/session.h"

namespace umaya::proxymap {
namespace {

struct State {
  std::unique_ptr<databases::Drivers> drivers;
  std::unique_ptr<Tables> tables;
};

State& state() {
  static State instance;
  return instance;
}

Result<void> prepare(daemon::Process& process) {
  const config::Config& config = process.config();
  state().drivers = std::make_unique<databases::Drivers>(&config);
  table::Options options = table::options_from(config);
  options.databases = state().drivers.get();
  state().tables = std::make_unique<Tables>(std::move(options), config.get("proxy_read_maps"));
  state().tables->allow_databases(config);
  return {};
}

/// What opening and asking the databases reads and writes. One that cannot be read now is told of when it is asked.
daemon::SandboxPolicy sandbox(const daemon::Process&) {
  daemon::SandboxPolicy policy;
  for (const std::string& allowed : state().tables->allowed()) {
    for (const std::string& name : databases::databases_in(allowed)) {
      auto parameters = databases::Parameters::read(state().drivers->config(), name);
      if (!parameters) continue;
      if (!parameters->file().empty()) policy.read.push_back(fs::parent_directory(parameters->file()));
      auto engine = state().drivers->engine(*parameters);
      if (!engine) continue;
      for (const std::string& file : (*engine)->files) policy.read.push_back(file);
      for (const std::string& directory : (*engine)->directories) policy.write.push_back(directory);
      for (std::string_view word : split((*engine)->plan.domains, ", \t")) {
        size_t slash = word.find('/');
        if (slash != std::string_view::npos)
          policy.read.push_back(fs::parent_directory(std::string(word.substr(slash))));
      }
    }
  }
  std::erase(policy.read, "");
  return policy;
}

event::Task<void> session(daemon::Process&, Fd fd, event::PeerAddress) {
  ucred peer{};
  socklen_t size = sizeof peer;
  bool is_known = getsockopt(fd.get(), SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0;
  bool is_own = is_known && (peer.uid == geteuid() || peer.uid == 0);
  return serve(*state().tables, std::move(fd), is_own ? Asker::own_user : Asker::other);
}

}  // namespace
}  // namespace umaya::proxymap

int main(int argc, char** argv) {
  using namespace umaya;
  daemon::Hooks hooks;
  hooks.name = "proxymap";
  hooks.run_as = daemon::RunAs::mail_owner;
  hooks.prepare = proxymap::prepare;
  hooks.sandbox = proxymap::sandbox;
  hooks.session = proxymap::session;
  int status = daemon::run(argc, argv, std::move(hooks));
  proxymap::state().tables.reset();  // before the loop goes
  return status;
}
