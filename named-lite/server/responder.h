// NAME    responder - a client's packet to its answer, by the snapshot that is in service
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "named-lite/answer/answer.h"
#include "named-lite/server/snapshot.h"

namespace umaya::named {

struct Counters {
  uint64_t udp = 0;
  uint64_t tcp = 0;
  uint64_t dropped = 0;  ///< packets that get no answer
};

class Responder {
 public:
  explicit Responder(std::shared_ptr<const Snapshot> snapshot) : snapshot_(std::move(snapshot)) {}
  /// Puts a new snapshot into service; questions from now on are answered from it.
  void replace(std::shared_ptr<const Snapshot> snapshot) { snapshot_ = std::move(snapshot); }
  const std::shared_ptr<const Snapshot>& snapshot() const { return snapshot_; }
  /// The answer in out; its size, 0 when none may be given.
  size_t respond(std::string_view packet, const sockaddr* client, Transport transport, std::span<char> out);
  const Counters& counters() const { return counters_; }

 private:
  std::shared_ptr<const Snapshot> snapshot_;
  Counters counters_;
};

}  // namespace umaya::named
