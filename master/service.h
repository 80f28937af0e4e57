// NAME    service - one line of master.cf at work: its sockets, its processes, its throttle
//
// DESCRIPTION
//     A service listens from its start. Its first process is started when somebody connects, further ones, up to the
//     number of workers, when those that run are busy. A process that dies before it has served anybody throttles the
//     service for service_throttle_time; one that was killed with SIGKILL is replaced after half a second. Wake-ups
//     connect to the service's own socket and send a one-byte packet "W".
//
// OWNERSHIP
//     Owned by Master. Keeps its listening sockets when its line changes, so that no connection is lost at a reload.
#pragma once

#include <sys/types.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "libcommon/base/fd.h"
#include "libcommon/config/config.h"
#include "libcommon/config/master_cf.h"
#include "libcommon/daemon/status.h"
#include "libcommon/event/loop.h"
#include "libcommon/event/task.h"
#include "libcommon/ipc/channel.h"

namespace umaya::master {

/// What a service is told about its surroundings, fixed for one configuration.
struct Settings {
  std::string config_directory;
  std::string daemon_directory;
  Duration throttle_time{};
  size_t workers = 1;                    ///< processes that share a service which may have several
  std::vector<std::string> environment;  ///< for the daemons
};

/// Processes a service may have at once: 1 for services whose state lives in one process, else settings.workers, and
/// never more than the process limit of its line.
size_t worker_limit(const config::MasterService& line, size_t workers);
/// Sessions each of those may serve, 0 without limit: the line's process limit shared out.
size_t session_share(const config::MasterService& line, size_t workers);
/// Services of Postfix whose work other daemons of ours do: accepted, nothing is started.
bool built_in(const config::MasterService& line);

class Service {
 public:
  Service(config::MasterService line, std::vector<Fd> sockets, const Settings& settings);
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;
  ~Service();

  const config::MasterService& line() const { return line_; }
  /// Takes over a changed line at a reload; running processes finish what they do and go (tlsmgr stays).
  void change(config::MasterService line, const Settings& settings);
  /// Tells the processes to finish and go (SIGHUP) or to end soon (SIGTERM).
  void signal_children(int signal);
  /// Stops listening and waking.
  void close();
  size_t children() const { return children_.size(); }
  /// A child has ended; false when it was not ours.
  bool reap(pid_t pid, int wait_status);

 private:
  struct Child {
    pid_t pid;
    daemon::Status status;
    bool retired = false;   // was told to go
    bool reloaded = false;  // was told to read the configuration anew
    std::unique_ptr<ipc::Channel> channel;
    std::unique_ptr<event::TaskScope> reader;
  };
  void reload_children(const config::MasterService& line);
  void on_demand();
  void start_child();
  [[noreturn]] void execute(int status_fd);
  std::vector<std::string> arguments() const;
  static event::Task<void> read_status(Service* service, Child* child);
  void watch();
  size_t live_children() const;
  bool want_another() const;
  /// Starts nothing for that time.
  void throttle(Duration time);
  void wake();
  void arm_wakeup();

  config::MasterService line_;
  const Settings* settings_;
  std::vector<Fd> sockets_;
  std::vector<std::unique_ptr<event::IoWatch>> watches_;
  std::vector<std::unique_ptr<Child>> children_;
  event::Timer throttle_, wakeup_;
  bool watching_ = false;
  bool closed_ = false;
  bool used_ = false;
  TimePoint limit_warned_{};
};

}  // namespace umaya::master
