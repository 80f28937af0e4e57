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
  explicit Responder(SnapshotPtr snapshot) : snapshot_(std::move(snapshot)) {}
  /// Puts a new snapshot into service; questions from now on are answered from it.
  void replace(SnapshotPtr snapshot) { snapshot_ = std::move(snapshot); }
  const SnapshotPtr& snapshot() const { return snapshot_; }
  /// The answer in out; its size, 0 when none may be given.
  size_t respond(std::string_view packet, const sockaddr* client, Transport transport, std::span<char> out);
  const Counters& counters() const { return counters_; }

 private:
  SnapshotPtr snapshot_;
  Counters counters_;
};

}  // namespace umaya::named
