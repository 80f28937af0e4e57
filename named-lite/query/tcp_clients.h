// NAME    tcp_clients - who may have a connection, and who gives way (RFC 7766 6.2)
//
// SYNOPSIS
//     TcpClients clients;
//     TcpClients::Place place(clients, fd, address);     // may end the connection of another one
//     place.used();                                      // after each question
//
// DESCRIPTION
//     New clients are always let in: when there are too many, the connection that has been of no use for the longest
//     time is shut down, so that idle ones cannot keep others out. A client (an IPv4 address, or a /64 of IPv6) that
//     has more than half of all loses one of its own instead.
//
// OWNERSHIP
//     A Place stands for one connection and goes away with it; the clients outlive all places. Whoever waits on the
//     descriptor of a connection that was shut down sees its end.
#pragma once

#include <cstdint>
#include <list>
#include <string>

#include "libcommon/net/address.h"
#include "named-lite/statistics/page.h"

namespace umaya::named {

class TcpClients {
 public:
  class Place {
   public:
    Place(TcpClients& clients, int fd, const net::IpAddress& client);
    ~Place();
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;
    /// A question came: it is the last to give way now.
    void used();

   private:
    friend class TcpClients;
    TcpClients& clients_;
    int fd_;
    std::string client_;
    bool ending_ = false;
    std::list<Place*>::iterator at_;
  };

  explicit TcpClients(size_t most) : most_(most) {}
  /// From now on, for new connections.
  void set_most(size_t most) { most_ = most; }
  /// Counts there from now on; page outlives this.
  void count_in(PageNumbers& page);
  /// Connections that are not about to end.
  size_t size() const { return by_use_.size(); }

 private:
  void make_room(const std::string& client);
  void end(Place& place);
  void count_now() const;

  size_t most_;
  PageNumbers* page_ = nullptr;
  std::list<Place*> by_use_;  // the longest unused first
};

}  // namespace umaya::named
