// NAME    control_target - what ndc's commands do to a running server
//
// SYNOPSIS
//     ServerControl control(responder, secondaries, keeper, notifier, pool, hooks);
//     ControlServer server(open_control_sockets(channels), control);
//
// OWNERSHIP
//     Everything that it is given outlives it.
#pragma once

#include <sys/types.h>

#include <functional>
#include <string>

#include "libcommon/event/worker_pool.h"
#include "named-lite/control/target.h"
#include "named-lite/peers/notifier.h"
#include "named-lite/peers/secondaries.h"
#include "named-lite/query/recursion_messages.h"
#include "named-lite/server/responder.h"
#include "named-lite/statistics/report.h"
#include "named-lite/update/zone_keeper.h"

namespace umaya::named {

/// What became of a new configuration.
struct ReloadResult {
  bool good = true;    ///< false: the old one stays in service
  std::string errors;  ///< of the configuration and of single zones, a line each
};

/// What ndc changes of the log; nothing: stays as it is.
struct LogSettings {
  std::optional<bool> queries;    ///< each has a line
  std::optional<uint32_t> debug;  ///< level; 0: no debugging lines
};

/// What is done by who owns the server.
struct ControlHooks {
  std::function<event::Task<ReloadResult>(ZonesRead)> reload;  ///< reads the configuration anew
  std::function<void()> stop;                                  ///< ends named-lite once the reply is out
  pid_t process;                                               ///< of named-lite: the one that the pid-file names
  /// Puts other data of a zone (view, wire form in lower case) into service.
  std::function<void(const std::string&, std::string_view, ImagePtr)> serve;
  std::function<StatisticsReport()> report;  ///< with its times
  /// Does something to the caches of recursion: how many entries it concerned; nothing when there are no caches.
  std::function<event::Task<std::optional<uint64_t>>(CacheCommand, Fd)> caches;
  std::function<LogSettings(LogSettings)> log;  ///< gives what holds then
};

class ServerControl : public ControlTarget {
 public:
  ServerControl(Responder& responder, Secondaries& secondaries, ZoneKeeper& keeper, Notifier& notifier,
                event::WorkerPool& pool, ControlHooks hooks);

  event::Task<ControlReply> reload(Command command) override;
  event::Task<ControlReply> reconfig(Command command) override;
  event::Task<ControlReply> freeze(Command command) override;
  event::Task<ControlReply> thaw(Command command) override;
  event::Task<ControlReply> sync(Command command) override;
  event::Task<ControlReply> retransfer(Command command) override;
  event::Task<ControlReply> refresh(Command command) override;
  event::Task<ControlReply> notify(Command command) override;
  event::Task<ControlReply> zonestatus(Command command) override;
  event::Task<ControlReply> flush(Command command) override;
  event::Task<ControlReply> flushname(Command command) override;
  event::Task<ControlReply> flushtree(Command command) override;
  event::Task<ControlReply> dumpdb(Command command) override;
  event::Task<ControlReply> status(Command command) override;
  event::Task<ControlReply> stats(Command command) override;
  event::Task<ControlReply> querylog(Command command) override;
  event::Task<ControlReply> trace(Command command) override;
  event::Task<ControlReply> notrace(Command command) override;
  event::Task<ControlReply> stop(Command command) override;
  event::Task<ControlReply> halt(Command command) override;
  /// Writes all zone files that lack something; what went wrong, line by line.
  event::Task<std::string> save_all();

 private:
  struct Found;
  Result<Found> find(const ZoneSelector& zone) const;
  event::Task<ControlReply> command_caches(CacheCommand command, Fd out);
  event::Task<ControlReply> reload_zone(ZoneSelector selector);
  event::Task<ControlReply> reload_all(ZonesRead which);
  using KeeperVerb = std::function<event::Task<Result<>>(ZoneId)>;
  Result<std::vector<ZoneId>> kept(const Command& command) const;
  event::Task<ControlReply> with_kept(Command command, KeeperVerb verb, std::string done);
  event::Task<ControlReply> sync_secondary(ZoneId id);
  event::Task<std::string> save_secondaries();
  std::string dynamic_status(const Found& found) const;

  Responder& responder_;
  Secondaries& secondaries_;
  ZoneKeeper& keeper_;
  Notifier& notifier_;
  event::WorkerPool& pool_;
  ControlHooks hooks_;
};

}  // namespace umaya::named
