// NAME    daemon - the skeleton that every daemon starts from
//
// SYNOPSIS
//     int main(int argc, char** argv) {
//       return daemon::run(argc, argv, {.name = "smtpd", .run_as = daemon::RunAs::net_user,
//                                       .prepare = smtpd::prepare, .start = smtpd::start, .session = smtpd::session});
//     }
//
// DESCRIPTION
//     Started by master, the service's sockets and the status socket are open already (status.h). Started by hand with
//     -n NAME (and -t TYPE), the daemon finds its line in master.cf, opens the sockets itself and stays in the
//     foreground.
//
//     In order: options, main.cf with -o overrides, log, prepare() with the privileges of the start, root given up for
//     good, sandbox, start(), then a session() task for every connection until the process is told to stop.
//
//     Without root nothing is dropped: the instance runs whole as the user who started it.
//
//     SIGTERM: stop() is called, no connection is accepted any more, and the process ends with its last session and
//     Work, at the latest after five seconds. SIGHUP (a reload): the same without that limit. Master gone: as SIGTERM.
//     Idle for max_idle with no session: the process ends, unless it is resident; master starts another one on demand.
//
//     The soft limit of open files is raised to the hard one. As many sessions are accepted as that bears.
//
// OPTIONS (Postfix's)
//     -n service name  -t type  -o name=value …  -v verbose  -c config directory  -l sessions at most
//     -s number of listening sockets (given by master)
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "libcommon/base/fd.h"
#include "libcommon/base/result.h"
#include "libcommon/config/config.h"
#include "libcommon/daemon/privilege.h"
#include "libcommon/daemon/sandbox.h"
#include "libcommon/event/listener.h"
#include "libcommon/event/loop.h"
#include "libcommon/event/sync.h"
#include "libcommon/event/task.h"

namespace umaya::daemon {

/// Whose rights the daemon keeps when root started it.
enum class RunAs : unsigned char {
  net_user,    ///< net_user: talks to strangers, owns nothing
  mail_owner,  ///< mail_owner: works on the queue
  root,        ///< stays root (become)
};

class Process;

/// What must not be cut in the middle, although it is no session: as long as one lives a process that was told to end
/// goes on (at a stop for five seconds at most).
class Work {
 public:
  explicit Work(const Process& process);
  Work(const Work&) = delete;
  Work& operator=(const Work&) = delete;
  ~Work();

 private:
  friend class Process;
  friend class Runner;
  struct Count {
    size_t alive = 0;
    std::function<void()> on_none;
  };
  // shared_ptr: tasks of a service may be destroyed after the process object that they worked for.
  std::shared_ptr<Count> count_;
};

struct Hooks {
  std::string_view name;  ///< of the program
  RunAs run_as = RunAs::mail_owner;
  bool resident = false;  ///< does not end when idle
  /// Opens what needs the privileges of the start.
  std::function<Result<void>(Process&)> prepare{};
  /// Files the daemon needs later. Paths of tables and the configuration directory are always readable; without this
  /// hook nothing else is.
  std::function<SandboxPolicy(const Process&)> sandbox{};
  /// Starts what runs beside the sessions (process.scope().spawn).
  std::function<Result<void>(Process&)> start{};
  /// One connection, from accept to close. Not a capturing lambda that is itself a coroutine.
  std::function<event::Task<void>(Process&, Fd, event::PeerAddress)> session{};
  /// The process shall end soon: sessions that wait for their client should say good-bye.
  std::function<void(Process&)> stop{};
  /// SIGHUP: takes the new settings over in place, instead of ending so that master starts a fresh process.
  std::function<void(Process&)> reload{};
  /// -S: serves one session on standard input and output and ends (sendmail -bs). Gives the exit code.
  std::function<event::Task<int>(Process&)> stand_alone{};
  /// Rights for a user of its own (authd, named-lite): the account's name, from a parameter.
  std::string_view user_parameter{};
};

/// The running daemon.
class Process {
 public:
  const config::Config& config() const { return config_; }
  /// Name of the service in master.cf ("smtp", "submission"), as given by -n.
  const std::string& service() const { return service_; }
  /// Type of the service: "inet", "unix" …
  const std::string& type() const { return type_; }
  const std::string& program() const { return program_; }
  /// Absolute path of a name beneath queue_directory.
  std::string queue_path(std::string_view name) const { return queue_directory_ + "/" + std::string(name); }
  /// Arguments behind the options (pipe: flags=… user=… argv=…).
  const std::vector<std::string>& arguments() const { return arguments_; }
  /// Sessions this process may serve at once; 0: no limit.
  size_t session_limit() const { return session_limit_; }
  size_t sessions() const { return sessions_; }
  /// Descriptors that this process may have open.
  size_t file_limit() const { return file_limit_; }
  /// True while the sessions take all descriptors there are. No further one is accepted then; a service whose clients
  /// keep idle connections should end those, so that clients that wait get their turn.
  bool crowded() const { return sessions_ >= room_; }
  /// True once the process shall end.
  bool stopping() const { return stopping_; }
  /// Tasks beside the sessions. They are cancelled when the process ends.
  event::TaskScope& scope() { return scope_; }
  /// Whether root started us, and so users differ.
  bool privileged() const { return privileged_; }
  /// The user whose rights remain; ours when nothing is dropped.
  const Account& account() const { return account_; }
  /// In prepare(): clients of this service speak first.
  void set_client_speaks_first() { client_speaks_first_ = true; }
  /// Ends the process when its sessions have ended (as SIGTERM does).
  void stop();
  /// A table has changed: finish what is under way, then end, so that a fresh process reads it.
  void retire();

 private:
  friend class Runner;
  friend class Work;
  config::Config config_;
  std::string program_, service_, type_, queue_directory_;
  std::vector<std::string> arguments_;
  size_t session_limit_ = 0, sessions_ = 0, served_ = 0;
  size_t file_limit_ = 1024, room_ = SIZE_MAX;
  bool stopping_ = false, privileged_ = false, client_speaks_first_ = false;
  Account account_{};
  event::TaskScope scope_;
  std::shared_ptr<Work::Count> work_ = std::make_shared<Work::Count>();
  std::function<void()> on_stop_, on_retire_;
};

/// Runs the daemon; gives its exit code.
int run(int argc, char** argv, Hooks hooks);

/// Allows this process as many descriptors as the administrator's hard limit does; gives that number. The soft limit
/// is for programs that use select(2).
size_t raise_file_limit();

/// Gives the process, in a child that becomes another program, the limit of open files that it was started with.
void restore_file_limit();

/// The configuration directory: -c, else $MAIL_CONFIG, else the compiled-in one.
std::string config_directory_of(const char* option);
/// Opens the log for a program of an instance: syslog_name/program, to maillog_file or syslog.
void open_log(const config::Config& config, std::string_view program, int verbose);

}  // namespace umaya::daemon
