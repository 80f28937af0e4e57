#include "named-lite/query/tcp_clients.h"

#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <catch2/catch.hpp>
#include <deque>

using namespace umaya;
using namespace umaya::named;

namespace {

/// Two ends of a connection.
struct Connection {
  Connection() { REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends.data()) == 0); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection() {
    close(ends[0]);
    close(ends[1]);
  }
  bool is_open() const {
    char octet;
    return recv(ends[1], &octet, 1, MSG_PEEK) != 0;
  }
  std::array<int, 2> ends{};
};

net::IpAddress address(const std::string& text) {
  return *net::IpAddress::parse(text);
}

/// Connections of clients in the order in which they came.
struct Crowd {
  explicit Crowd(size_t most) : clients(most) {}
  void come(const std::string& client, size_t count = 1) {
    for (size_t i = 0; i < count; ++i) {
      connections.emplace_back();
      places.emplace_back(clients, connections.back().ends[0], address(client));
    }
  }
  size_t open() const {
    size_t count = 0;
    for (const Connection& each : connections) count += each.is_open() ? 1 : 0;
    return count;
  }
  TcpClients clients;
  std::deque<Connection> connections;
  std::deque<TcpClients::Place> places;
};

}  // namespace

TEST_CASE("tcp clients: D15 a new client takes the place of the one that was idle for the longest", "[named][tcp]") {
  Crowd crowd(4);
  for (const char* client : {"192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4"}) crowd.come(client);
  CHECK(crowd.open() == 4);
  crowd.places[0].used();
  crowd.come("192.0.2.5");
  CHECK(crowd.open() == 4);
  CHECK(crowd.connections[0].is_open());
  CHECK_FALSE(crowd.connections[1].is_open());
  CHECK(crowd.clients.size() == 4);
}

TEST_CASE("tcp clients: one client never has more than half, a /64 of IPv6 being one", "[named][tcp]") {
  Crowd crowd(10);
  crowd.come("192.0.2.1");
  crowd.come("2001:db8::1", 4);
  crowd.come("2001:db8::2", 10);
  CHECK(crowd.open() == 6);
  CHECK(crowd.connections[0].is_open());
  crowd.come("2001:db8:0:1::1");
  CHECK(crowd.open() == 7);
}

TEST_CASE("tcp clients: places that were given up leave room", "[named][tcp]") {
  Crowd crowd(2);
  crowd.come("192.0.2.1");
  crowd.places.clear();
  CHECK(crowd.clients.size() == 0);
  crowd.come("192.0.2.2");
  crowd.come("192.0.2.3");
  CHECK(crowd.connections[1].is_open());
  CHECK(crowd.connections[2].is_open());
  crowd.come("192.0.2.4");
  crowd.places[0].used();  // it is about to end: nothing happens
  CHECK_FALSE(crowd.connections[1].is_open());
}
