// NAME    update_service - UPDATE packets and their answers
//
// SYNOPSIS
//     UpdateService updates(responder, keeper);
//     std::string answer = co_await updates.answer(packet, client, Transport::tcp);      // empty: none may be given
//     updates.take(packet, client, [..](std::string_view answer) { … send … });          // the same for UDP
//
// DESCRIPTION
//     The signature, the view of the sender, the zone, then the work itself (RFC 2136 3). The answer comes when the
//     change is on the disk and in service, and is signed when the packet was. An update for a secondary zone is not
//     passed on to its primary: NOTIMP.
//
// OWNERSHIP
//     What answers are written to outlives the service. Snapshots are shared: an update keeps the keys of the one that
//     it came under.
//
// LIMITS  4000 updates at once; further ones over UDP get no answer, over TCP SERVFAIL.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "libcommon/event/task.h"
#include "named-lite/answer/answer.h"
#include "named-lite/server/snapshot.h"
#include "named-lite/statistics/page.h"
#include "named-lite/update/zone_keeper.h"

namespace umaya::named {

/// Whether a packet is for this service.
inline bool is_update(std::string_view packet) {
  return packet.size() >= 12 && (static_cast<unsigned char>(packet[2]) & 0xF8) == opcode::kUpdate << 3;
}

class UpdateService {
 public:
  static constexpr size_t kMostAtOnce = 4000;
  /// Gives the snapshot in service.
  using Current = std::function<SnapshotPtr()>;
  using Reply = std::function<void(std::string_view answer)>;

  UpdateService(Current current, ZoneKeeper& keeper) : current_(std::move(current)), keeper_(keeper) {}

  /// Counts there from now on; page outlives this.
  void count_in(PageNumbers& page) { page_ = &page; }
  /// The answer to a packet, empty when there is none. client: without its key, which the packet says.
  event::Task<std::string> answer(std::string packet, Requester client, Transport transport);
  /// Calls reply with the answer when there is one.
  void take(std::string packet, Requester client, Reply reply);

 private:
  struct Exchange;
  event::Task<void> answer_later(std::string packet, Requester client, Reply reply);
  std::string finish(const Exchange& exchange, Transport transport);
  event::Task<uint16_t> work(const Exchange& exchange, Transport transport);
  void count_in_zone(const ServedView& view, std::string_view zone);

  Current current_;
  ZoneKeeper& keeper_;
  PageNumbers* page_ = nullptr;
  size_t running_ = 0;
  event::TaskScope tasks_;
};

}  // namespace umaya::named
