// NAME    parent - starts the other processes of named-lite, and starts them again
//
// SYNOPSIS
//     UMAYA_TRY(auto parent, Parent::open(options));      // configuration read, sockets open
//     … go to the background, give up root …
//     return parent->run();
//
// DESCRIPTION
//     Opens the sockets, forks the processes, and introduces each to those that it talks to: a pair of sockets, one end
//     to each. Neither packets nor zones nor keys come near it, so that a process that is forked anew begins clean.
//     A process that ends is started again, at once when it has run for a while, else after a pause that grows. The
//     others go on meanwhile.
//
//     SIGHUP reads the configuration anew and gives it to the zone process; addresses that are new in it are opened and
//     given to the query processes, and those that it has no more are closed; so are the sockets of ndc and of
//     statistics for the zone process (channels.h). SIGTERM and SIGINT end everything.
//
// LIMITS
//     kMostQueries query processes. A process has 5 s to end, or 60 s when zone files are to be written, then it is
//     killed.
#pragma once

#include <sys/types.h>

#include <memory>
#include <string>
#include <vector>

#include "libcommon/base/clock.h"
#include "libcommon/log/log.h"
#include "named-lite/answer/cookies.h"
#include "named-lite/server/channels.h"
#include "named-lite/server/config_report.h"
#include "named-lite/server/control.h"
#include "named-lite/server/listen.h"

namespace umaya::named {

class Parent {
 public:
  static constexpr unsigned kMostQueries = 64;

  /// Reads the configuration and opens the sockets. Errors of the configuration are in the log already.
  static Result<std::unique_ptr<Parent>> open(ParentOptions options);
  const ConfigReport& config() const { return config_.report; }
  /// The socket of who started us: a byte 'R' means SIGHUP, its end SIGTERM.
  void obey(Fd socket) { superior_ = std::move(socket); }
  /// Until it is told to end; gives the exit code.
  int run();

 private:
  struct Process {
    Role role = Role::zone;
    uint32_t number = 0;
    pid_t pid = 0;  ///< 0: does not run
    Fd control;
    TimePoint started{};
    TimePoint start_at{};
    Duration pause{};
  };

  explicit Parent(ParentOptions options) : options_(std::move(options)) {}
  Result<void> open_sockets();
  bool open_address(const net::Endpoint& at);
  void close_address(const net::Endpoint& at);
  bool give_line(log::Level level, std::string_view text);
  void close_old_addresses();
  void open_new_addresses();
  void change_channels();
  void tell_zone(const ChannelChange& change, const std::vector<int>& fds);
  void tell_query(size_t number, const ListenChange& change, const std::vector<int>& fds);
  Result<void> catch_signals();
  void start(Process& process);
  [[noreturn]] void become(const Process& process, Fd control);
  void introduce(Process& one, Process& other);
  enum class Zones : unsigned char { all, only_new };
  void give_config(Zones which, uint32_t reload = 0);
  void refuse_config(const std::string& why, uint32_t reload);
  void start_due();
  void wait_for_news();
  void read_signals();
  void read_superior();
  void read_control(Process& process);
  void reap();
  void ended(Process& process, int status);
  void reload(Zones which, uint32_t number = 0);
  void stop();
  bool all_ended() const;
  Process& zone() { return *processes_.back(); }
  bool is_wanted(const Process& process) const;

  ParentOptions options_;
  ReadConfig config_;
  CookieSecret cookie_secret_ = random_cookie_secret();
  std::vector<std::vector<ListenSockets>> sockets_;  // for each query process
  std::vector<StatisticsPage> pages_;                // in the order of processes_
  std::vector<std::unique_ptr<Process>> processes_;  // the query processes, recursion, and zone at the end
  std::vector<net::Endpoint> listening_;
  Channels channels_;  // of the zone process
  Fd signals_;
  Fd superior_;
  bool announced_ = false;
  bool stopping_ = false;
  TimePoint kill_at_ = TimePoint::max();
};

/// What the parent, and with it each process, may read and write: the directories of configuration and zones, that of
/// the pid file.
daemon::SandboxPolicy parent_sandbox(const ConfigReport& config, const std::string& config_file);

}  // namespace umaya::named
