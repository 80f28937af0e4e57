// NAME    service - what all messages in this process share: parameters, tables, queue directories, the flush
#pragma once

#include <memory>

#include "cleanup/checks.h"
#include "cleanup/committer.h"
#include "cleanup/inflow.h"
#include "cleanup/params.h"
#include "cleanup/text_filter.h"
#include "libcommon/config/config.h"
#include "libcommon/fs/free_space.h"
#include "libcommon/ipc/channel.h"
#include "libcommon/queue/directories.h"
#include "libcommon/route/router.h"

namespace umaya::cleanup {

class Service {
 public:
  /// Reads parameters and opens tables; needs the rights to read them.
  static Result<std::unique_ptr<Service>> open(const config::Config& config);
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;
  /// Starts what needs the loop; scope outlives this object's use.
  void start(event::TaskScope& scope);
  /// Follows changed tables; cheap.
  void refresh();

  const Params& params() const { return params_; }
  const TextFilter::Options& text_options() const { return text_options_; }
  /// Whether mail posted on this host is looked at for SMTPUTF8.
  bool detects_utf8() const;
  route::Router& router() { return *router_; }
  ContentChecks& checks() { return checks_; }
  const queue::QueueDirectories& spool() const { return spool_; }
  Committer& committer() { return *committer_; }
  fs::FreeSpace& space() { return space_; }
  Inflow& inflow() { return inflow_; }

 private:
  explicit Service(Params params);
  Result<> read_characters();
  /// Tells the queue manager; it finds the messages by itself later when that fails.
  void announce(std::vector<std::string> ids);

  Params params_;
  TextFilter::Options text_options_;
  std::unique_ptr<route::Router> router_;
  ContentChecks checks_;
  queue::QueueDirectories spool_;
  fs::FreeSpace space_;
  Inflow inflow_;
  std::unique_ptr<event::WorkerPool> pool_;
  std::unique_ptr<Committer> committer_;
  std::unique_ptr<ipc::Channel> qmgr_;
};

}  // namespace umaya::cleanup
