// NAME    master - keeps the services of master.cf running
//
// DESCRIPTION
//     Opens every service's sockets, starts processes on demand, reaps them, wakes services up, and carries a reload
//     out: services that are gone from master.cf are closed, new ones opened, changed ones keep their sockets and
//     change their processes. Holds an exclusive lock on pid/master.pid as long as it runs.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "libcommon/base/fd.h"
#include "libcommon/config/config.h"
#include "libcommon/event/loop.h"
#include "master/service.h"

namespace umaya::master {

class Master {
 public:
  Master(config::Config config, std::vector<std::string> overrides);
  /// Opens all services. An error in main.cf, master.cf or a socket: nothing is started.
  Result<void> start();
  /// Re-reads main.cf and master.cf; on an error the old configuration stays in force.
  void reload();
  /// Tells every process to end and ends the loop when all have, at the latest after limit.
  void stop();
  void reap_children();

 private:
  Result<void> apply(const config::Config& config, bool first);
  void read_settings(const config::Config& config);
  size_t children() const;

  config::Config config_;
  std::vector<std::string> overrides_;
  // Two generations: services of the old one may still be asked while the new one is put in place.
  std::unique_ptr<Settings> settings_, previous_settings_;
  std::map<std::string, std::unique_ptr<Service>> services_;
  std::vector<std::unique_ptr<Service>> closing_;
  event::Timer kill_timer_;
  bool stopping_ = false;
};

/// The lock of a running instance: queue_directory/pid/master.pid.
/// Takes it, or says who has it.
Result<Fd> lock_instance(const config::Config& config);
/// Writes the process id into the locked file.
Result<void> write_pid(int fd);

}  // namespace umaya::master
