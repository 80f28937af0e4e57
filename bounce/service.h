// NAME    service - the requests of services/bounce.h, carried out
//
// DESCRIPTION
//     Logs are written in a pool of threads, because every append waits for the disk. A notice is posted through
//     cleanup and durable there before its log is removed: a crash in between gives a second notice, never none.
//
// OWNERSHIP
//     One object for the process; it outlives its sessions.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "bounce/notice.h"
#include "bounce/params.h"
#include "bounce/plan.h"
#include "libcommon/daemon/daemon.h"
#include "libcommon/event/worker_pool.h"
#include "libcommon/ipc/channel.h"
#include "libcommon/queue/directories.h"
#include "libcommon/services/bounce.h"
#include "libcommon/services/cleanup.h"

namespace umaya::bounce {

class Service {
 public:
  static Result<std::unique_ptr<Service>> create(daemon::Process& process);
  /// One connection.
  event::Task<void> session(Fd fd);

 private:
  Service(const daemon::Process& process, Params params, NoticeSettings settings);
  event::Task<services::bounce::Done> answer(ipc::Packet packet);
  event::Task<services::bounce::Done> append(services::bounce::Append request);
  event::Task<services::bounce::Done> notify(services::bounce::Notify request, Fd fd);
  event::Task<services::bounce::Done> forget(services::bounce::Forget request);
  event::Task<Result<std::vector<queue::BounceRecord>>> read_log(services::bounce::Kind kind, std::string queue_id);
  event::Task<Result<std::string>> post(PlannedNotice notice, const services::bounce::Notify& request, int fd);
  event::Task<bool> remove(services::bounce::Kind kind, std::string queue_id);
  Result<Fd> open_message(const services::bounce::Notify& request) const;
  std::string log_path(services::bounce::Kind kind, std::string_view queue_id) const;

  const daemon::Process& process_;
  Params params_;
  NoticeSettings settings_;
  queue::QueueDirectories spool_;
  event::WorkerPool pool_;
  ipc::ChannelPool cleanup_;
};

}  // namespace umaya::bounce
