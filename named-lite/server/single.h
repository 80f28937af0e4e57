// NAME    single - everything in one process, for tests and tiny hosts
//
// SYNOPSIS
//     UMAYA_TRY(auto single, Single::open(options));
//     event::Loop::current().run();
//
// DESCRIPTION
//     The same servers as in processes of their own, with pairs of sockets between them, on one loop.
#pragma once

#include <memory>
#include <string>

#include "libcommon/event/loop.h"
#include "named-lite/query/query_server.h"
#include "named-lite/server/parent.h"
#include "named-lite/server/recursion_server.h"
#include "named-lite/server/zone_server.h"

namespace umaya::named {

class Single {
 public:
  /// Reads the configuration and opens the sockets. Errors of the configuration are in the log already.
  static Result<std::unique_ptr<Single>> open(const ParentOptions& options);
  const ConfigReport& config() const { return report_; }
  /// Begins to read zones: once the process is in its final state (user, sandbox).
  Result<void> start();
  void reload(ZonesRead which, uint32_t number = 0);
  /// Calls ended once nothing is left to be done (ZoneServer::end).
  void end(std::function<void()> ended) { zone_->end(std::move(ended)); }
  const Questions::Counters& counters() const { return query_->counters(); }

 private:
  Result<void> start_recursion();
  void open_new_addresses();
  void change_channels();
  explicit Single(ParentOptions options) : options_(std::move(options)) {}
  ParentOptions options_;
  ConfigReport report_;
  ConfigFiles files_;
  std::vector<ListenSockets> sockets_;  // until they are served
  std::vector<net::Endpoint> listening_;
  Channels channels_;               // their descriptors: until they are served
  StatisticsEquipment statistics_;  ///< pages: of the questions, of the zones
  std::unique_ptr<QueryServer> query_;
  PageNumbers* recursion_page_ = nullptr;
  std::unique_ptr<RecursionServer> recursion_;
  std::unique_ptr<ZoneServer> zone_;
};

}  // namespace umaya::named
