// NAME    authd - password check
//
// SYNOPSIS
//     authd [daemon options]                  (see daemon options in master(8))
//
// DESCRIPTION
//     Tells the daemons that talk to users whether a password is right, so that none of them ever sees a password
//     file. Speaks Dovecot's authentication protocol on its socket, private/auth as a rule, so that Umaya's daemons,
//     Postfix (smtpd_sasl_type = dovecot) and Exim (driver = dovecot) can ask.
//
//     auth_sources names where users come from, in the order in which they are asked:
//       passwd-file  auth_passwd_file, in Dovecot's format; read again when it has changed
//       system       users of this host: PAM, as /etc/pam.d/$auth_pam_service says, or shadow(5) when that is empty
//       tables       auth_password_maps: name to {SCHEME}data, in any type of table, also through proxymap(8)
//       static       auth_static_password, the same for everybody
//     uid, gid, home and mail of a user come from the source, else from auth_user_maps, from the tables of virtual(8)
//     for users of virtual_mailbox_domains, from auth_user_defaults, or from the system's user of that name.
//
//     auth_mechanisms: PLAIN, LOGIN, SCRAM-SHA-1, SCRAM-SHA-256 and their -PLUS forms, and, when named, EXTERNAL (the
//     name in a client's verified certificate), CRAM-MD5 and APOP. Only those are offered that the stored passwords of
//     all users can serve: SCRAM wants {PLAIN} or {SCRAM-SHA-…}, a hash of another scheme serves PLAIN and LOGIN alone.
//
//     A wrong password, an unknown user and a disabled one are answered alike and after the same time: two seconds
//     (auth_failure_delay), twice as many for each further wrong password of the same address, up to
//     auth_failure_delay_limit. Who has logged in from an address before is never kept out. Trouble of ours is answered
//     as temporary, never as a wrong password. A password that was found right is right without its slow hash for
//     auth_cache_ttl, unless the source changes.
//
//     The socket is open to the group of net_user. For a Postfix or Exim on this host put its account into that group:
//         smtpd_sasl_type = dovecot
//         smtpd_sasl_path = /var/spool/umaya/private/auth
//
// RECEIVES FROM
//     pop3d, smtpd: user names and passwords of their clients
// HANDS TO
//     pop3d's session process: uid, gid, home of who has logged in
// PRIVILEGE
//     mail_owner; the password file must be readable for that account and for nobody else. With "system" among
//     auth_sources a helper process keeps the rights of root: it asks PAM or shadow(5), one process for each question,
//     and answers yes or no.
// FILES
//     auth_passwd_file (/etc/umaya/users)
//     data_directory/auth_salt_key: makes the salts that SCRAM shows for unknown users, so that they never change
// SEE ALSO
//     pop3d(8), smtpd(8), umaya(1), crypt(5), pam(8)
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <set>
#include <thread>

#include "authd/session.h"
#include "libcommon/auth/mechanism_list.h"
#include "libcommon/base/random.h"
#include "libcommon/base/strings.h"
#include "libcommon/daemon/daemon.h"
#include "libcommon/event/loop.h"
#include "libcommon/fs/file.h"
#include "libcommon/log/log.h"
#include "libcommon/table/open.h"

namespace umaya::authd {

namespace {

constexpr size_t kSaltKeySize = 32;
constexpr Duration kFetchTime = std::chrono::milliseconds(300);
constexpr Duration kLookEvery = std::chrono::milliseconds(20);

struct State {
  std::unique_ptr<SystemHelper> helper;
  std::unique_ptr<Shared> shared;
  std::string salt_key;
  std::set<Session*> sessions;
};

State& state() {
  static State instance;
  return instance;
}

/// The key of made-up salts, made once for an instance.
Result<std::string> salt_key(const std::string& path) {
  auto known = fs::read_file(path, kSaltKeySize);
  if (known && known->size() == kSaltKeySize) return known;
  std::string key(kSaltKeySize, '\0');
  random_bytes(key);
  UMAYA_CHECK(fs::replace_file(path, key, 0600));
  return key;
}

bool uses_system(const config::Config& config) {
  auto sources = config.get_list("auth_sources");
  return std::any_of(sources.begin(), sources.end(), [](const std::string& s) { return iequals(s, "system"); });
}

/// What needs the rights of the start.
Result<void> prepare(daemon::Process& process) {
  auto key = salt_key(process.config().get("data_directory") + "/auth_salt_key");
  if (!key) log::warning("{}: salts for unknown users change with every start", key.error().what);
  state().salt_key = key.value_or(std::string(kSaltKeySize, '\0'));
  if (!key) random_bytes(state().salt_key);
  if (!uses_system(process.config())) return {};
  HelperOptions options;
  options.pam_service = process.config().get("auth_pam_service");
  UMAYA_TRY(options.limit, process.config().get_time("auth_system_timeout"));
  UMAYA_TRY(state().helper, SystemHelper::start(std::move(options)));
  return {};
}

void tell_mechanisms() {
  const Params& params = state().shared->params;
  std::vector<std::string> unserved, unknown;
  (void)auth::offered_mechanisms(params.mechanisms, state().shared->authenticator.uses(), &unserved, &unknown);
  for (const std::string& name : unknown) log::warning("auth_mechanisms: \"{}\" is unknown", name);
  std::string list;
  for (const std::string& name : unserved) list += " " + name;
  if (!list.empty()) log::info("not offered, since not every stored password can serve them:{}", list);
}

Result<void> start(daemon::Process& process) {
  Params params;
  UMAYA_CHECK(config::bind(process.config(), kBindings, params));
  // Nothing of an ordinary user's instance is root's, and its users are all that user.
  if (!process.privileged()) params.first_valid_uid = 0;
  state().shared = std::make_unique<Shared>(std::move(params), table::options_from(process.config()), state().salt_key,
                                            std::max(1u, std::thread::hardware_concurrency()), state().helper.get());
  auto readable = state().shared->authenticator.refresh();
  if (!readable) log::warning("{}; nobody can log in before this is mended", readable.error().what);
  tell_mechanisms();
  return {};
}

/// Who is at the other end: root, or whoever we are, may fetch log-ins; root may see what is stored.
Trust trust_in(const daemon::Process& process, int fd) {
  ucred peer{};
  socklen_t size = sizeof peer;
  if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return Trust::client;
  bool ours = peer.uid == geteuid();
  if (peer.uid == 0 || (ours && !process.privileged())) return Trust::owner;
  return ours ? Trust::master : Trust::client;
}

event::Task<void> serve(daemon::Process& process, Fd fd, event::PeerAddress) {
  Trust trust = trust_in(process, fd.get());
  Session session(std::move(fd), *state().shared, trust);
  state().sessions.insert(&session);
  co_await session.run();
  state().sessions.erase(&session);
}

/// Clients keep their connections. The next authd starts when this one is gone, so those that are idle are closed, as
/// soon as the log-ins that wait to be fetched have had their time.
event::Task<void> send_clients_away() {
  if (!state().shared->logins.empty()) co_await event::sleep(kFetchTime);
  while (true) {
    for (Session* session : state().sessions) session->close_if_idle();
    co_await event::sleep(kLookEvery);
  }
}

void stop(daemon::Process& process) {
  process.scope().spawn(send_clients_away());
}

void reload(daemon::Process& process) {
  process.retire();
  stop(process);
}

daemon::SandboxPolicy sandbox(const daemon::Process& process) {
  daemon::SandboxPolicy policy;
  policy.read = {fs::parent_directory(process.config().get("auth_passwd_file")), "/etc"};
  return policy;
}

}  // namespace

}  // namespace umaya::authd

int main(int argc, char** argv) {
  using namespace umaya;
  event::use_coarse_timers();
  int status = daemon::run(argc, argv,
                           {.name = "authd",
                            .run_as = daemon::RunAs::mail_owner,
                            .resident = true,
                            .prepare = authd::prepare,
                            .sandbox = authd::sandbox,
                            .start = authd::start,
                            .session = authd::serve,
                            .stop = authd::stop,
                            .reload = authd::reload});
  // A hash may be on its way: its thread ends before OpenSSL's own clean-up at exit.
  authd::state().shared.reset();
  return status;
}
