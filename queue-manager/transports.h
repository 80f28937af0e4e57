// NAME    transports - the delivery agents: their limits from main.cf, and open connections to them
//
// DESCRIPTION
//     A transport is a service of master.cf behind private/NAME. A connection carries one delivery at a time; an idle
//     one is kept, and preferred for the destination that it last spoke to, because the agent may have a session there.
//
// OWNERSHIP
//     A Slot is owned by the delivery that uses it and comes back with give_back(), or is destroyed.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "libcommon/base/strings.h"
#include "libcommon/config/config.h"
#include "libcommon/config/master_cf.h"
#include "libcommon/ipc/channel.h"
#include "queue-manager/params.h"
#include "queue-manager/scheduler.h"

namespace umaya::qmgr {

/// The <name>_ parameters of a transport, and maxproc of its service; a bad value is logged and the default taken.
TransportLimits limits_of(const config::Config& config, const config::MasterCf* master, const std::string& name,
                          const Params& params);

struct Slot {
  std::unique_ptr<ipc::Channel> channel;
  std::string destination;  ///< that it last spoke to
  TimePoint idle_since{};
  bool reused = false;  ///< had a delivery before
};

class Transports {
 public:
  /// connections: open ones at most, as long as there are idle ones to close.
  Transports(const config::Config& config, const Params& params, Scheduler& scheduler, size_t connections);

  /// The id of a transport; it is made when it is named first.
  TransportId id_of(const std::string& name);
  const std::string& name_of(TransportId id) const { return transports_[id].name; }
  const TransportLimits& limits(TransportId id) const { return transports_[id].limits; }
  /// True for the transports that defer_transports names.
  bool is_deferred(TransportId id) const { return transports_[id].deferred; }

  enum class Prefer : unsigned char { idle, fresh };
  /// An idle connection or a new one.
  /// under_way: deliveries with a connection of their own, beside this one.
  Result<Slot> take(TransportId id, const std::string& destination, Prefer prefer, size_t under_way);
  void give_back(TransportId id, Slot slot, TimePoint now);
  /// Closes idle connections until no more than that many are left.
  void close_beyond(size_t most);
  /// Closes what has been idle too long.
  void close_idle(TimePoint now);

 private:
  struct Transport {
    std::string name;
    TransportLimits limits;
    bool deferred = false;
    std::vector<Slot> idle;
  };
  const config::Config& config_;
  const Params& params_;
  Scheduler& scheduler_;
  Result<config::MasterCf> master_;
  std::vector<Transport> transports_;
  StringMap<TransportId> ids_;
  const size_t connections_;
};

}  // namespace umaya::qmgr
