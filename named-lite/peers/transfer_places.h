// NAME    transfer_places - how many transfers from primaries run at once (transfers-in, transfers-per-ns)
//
// SYNOPSIS
//     TransferPlaces places;
//     places.configure(10);
//     auto place = co_await places.take(primary, 2, limit);
//     if (!place) …                                      // the time is over
//
// DESCRIPTION
//     Who waits longest is the first to get a place, but a server whose own share is used up keeps nobody waiting who
//     wants another one: so a primary that hangs has its share of the places, and the rest goes on.
//
// OWNERSHIP
//     The object outlives its places and those who wait. Who is destroyed while waiting leaves the queue.
#pragma once

#include <cstdint>
#include <list>
#include <map>
#include <optional>
#include <utility>

#include "libcommon/event/sync.h"
#include "libcommon/event/task.h"
#include "libcommon/net/address.h"

namespace umaya::named {

class TransferPlaces {
 public:
  /// A place, until the object ends.
  class Place {
   public:
    Place(Place&& other) noexcept : places_(std::exchange(other.places_, nullptr)), server_(other.server_) {}
    Place& operator=(Place&&) = delete;
    ~Place() {
      if (places_ != nullptr) places_->leave(server_);
    }

   private:
    friend class TransferPlaces;
    Place(TransferPlaces& places, const net::IpAddress& server) : places_(&places), server_(server) {}
    TransferPlaces* places_;
    net::IpAddress server_;
  };

  explicit TransferPlaces(size_t most = 10) : most_(most) {}
  TransferPlaces(const TransferPlaces&) = delete;
  TransferPlaces& operator=(const TransferPlaces&) = delete;
  /// transfers-in; 0: nobody gets a place. Who waits gets nothing: its server and numbers may not be the same any more.
  void configure(size_t most);
  /// co_await: a place for a transfer from this server, of which most_of_server run at once; nothing when the limit is
  /// over first, or when there is a new configuration.
  event::Task<std::optional<Place>> take(net::IpAddress server, size_t most_of_server,
                                         Duration limit = event::kForever);
  size_t running() const { return running_; }
  size_t waiting() const { return waiting_; }

 private:
  struct Waiter {
    explicit Waiter(TransferPlaces& all) : places(all) {}
    Waiter(const Waiter&) = delete;
    Waiter& operator=(const Waiter&) = delete;
    ~Waiter();
    TransferPlaces& places;
    net::IpAddress server{};
    size_t most = 0;      // of its server
    uint64_t number = 0;  // in the order of coming
    std::optional<Place> place{};
    event::Event turn{};
  };
  struct Server {
    size_t running = 0;
    std::list<Waiter*> queue{};
  };
  void leave(const net::IpAddress& server);
  void grant();

  size_t most_;
  size_t running_ = 0;
  size_t waiting_ = 0;
  uint64_t last_number_ = 0;
  std::map<net::IpAddress, Server> servers_;  // of which something runs or waits
};

}  // namespace umaya::named
