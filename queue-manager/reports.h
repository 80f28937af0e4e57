// NAME    reports - what the queue manager tells the bounce, defer, trace and flush services
//
// DESCRIPTION
//     append() and notify() give true when the service has made its effect durable. At most kParallel requests are
//     under way, so that a thousand messages that fail at once do not open a thousand connections.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "libcommon/event/sync.h"
#include "libcommon/event/task.h"
#include "libcommon/ipc/channel.h"
#include "libcommon/services/bounce.h"
#include "libcommon/services/flush.h"
#include "queue-manager/params.h"

namespace umaya::qmgr {

class Reports {
 public:
  /// connections: to the services at most; never more than kParallel.
  Reports(const Params& params, size_t connections);

  event::Task<bool> append(services::bounce::Kind kind, std::string queue_id,
                           std::vector<services::bounce::Record> records);
  /// fd: the queue file; stays open until the task ends.
  event::Task<bool> notify(services::bounce::Notify request, int fd);
  event::Task<bool> forget(services::bounce::Kind kind, std::string queue_id);
  /// Tells the flush service that a message waits for a site; does not wait, and does not mind a failure.
  void note_site(const std::string& site, const std::string& queue_id);
  /// Has what waits for a site tried.
  event::Task<services::flush::Status> flush_site(std::string site);

 private:
  static constexpr size_t kParallel = 64;
  static constexpr size_t kKept = 32;  ///< idle connections to each service
  template <class Request>
  event::Task<bool> call(services::bounce::Kind kind, Request request, int fd);
  ipc::ChannelPool& pool(services::bounce::Kind kind);

  ipc::ChannelPool bounce_, defer_, trace_, flush_;
  event::Semaphore free_;
};

}  // namespace umaya::qmgr
