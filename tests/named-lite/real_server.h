// NAME    real_server - a name server on an address of the loopback, in a thread of its own
//
// DESCRIPTION
//     Takes the same functions from a question to packets as fake_internet.h, over UDP and TCP of one port.
#pragma once

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>

#include <atomic>
#include <set>
#include <thread>

#include "tests/named-lite/fake_internet.h"

namespace umaya::named::testing {

inline sockaddr_in at_loopback(const char* address, uint16_t port) {
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_port = htons(port);
  inet_pton(AF_INET, address, &at.sin_addr);
  return at;
}

/// A real name server on an address of the loopback, in a thread of its own.
class RealServer {
 public:
  using Behaviour = FakeInternet::Server;

  /// port 0: any, the same for UDP and TCP.
  RealServer(const char* address, uint16_t port, Behaviour behaviour) : behaviour_(std::move(behaviour)) {
    for (int tries = 0; tries < 50; ++tries) {
      udp_ = Fd(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
      tcp_ = Fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
      int on = 1;
      ::setsockopt(tcp_.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
      sockaddr_in at = at_loopback(address, port);
      socklen_t size = sizeof at;
      REQUIRE(::bind(udp_.get(), reinterpret_cast<sockaddr*>(&at), size) == 0);
      ::getsockname(udp_.get(), reinterpret_cast<sockaddr*>(&at), &size);
      port_ = ntohs(at.sin_port);
      if (::bind(tcp_.get(), reinterpret_cast<sockaddr*>(&at), size) == 0 && ::listen(tcp_.get(), 16) == 0) break;
    }
    thread_ = std::thread([this] { run(); });
  }
  ~RealServer() {
    stop_ = true;
    thread_.join();
  }
  uint16_t port() const { return port_; }
  std::set<uint16_t> client_ports;  // to be read when the server has ended, or nothing is asked
  size_t asked = 0;

 private:
  void run() {
    while (!stop_) {
      pollfd fds[] = {{udp_.get(), POLLIN, 0}, {tcp_.get(), POLLIN, 0}};
      if (::poll(fds, 2, 20) <= 0) continue;
      if (fds[0].revents != 0) answer_packet();
      if (fds[1].revents != 0) answer_connection();
    }
  }
  void answer_packet() {
    char room[4096];
    sockaddr_in from{};
    socklen_t size = sizeof from;
    ssize_t n = ::recvfrom(udp_.get(), room, sizeof room, 0, reinterpret_cast<sockaddr*>(&from), &size);
    if (n <= 0) return;
    ++asked;
    client_ports.insert(ntohs(from.sin_port));
    for (const std::string& packet : behaviour_({room, static_cast<size_t>(n)}, false)) {
      ::sendto(udp_.get(), packet.data(), packet.size(), 0, reinterpret_cast<sockaddr*>(&from), size);
    }
  }
  void answer_connection() {
    Fd client(::accept(tcp_.get(), nullptr, nullptr));
    char room[4096];
    ssize_t n = ::recv(client.get(), room, sizeof room, 0);
    if (n <= 2) return;
    ++asked;
    for (const std::string& packet : behaviour_({room + 2, static_cast<size_t>(n) - 2}, true)) {
      std::string framed{static_cast<char>(packet.size() >> 8), static_cast<char>(packet.size())};
      framed += packet;
      // In two pieces: lengths and messages may come in any.
      ::send(client.get(), framed.data(), 1, MSG_NOSIGNAL);
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
      ::send(client.get(), framed.data() + 1, framed.size() - 1, MSG_NOSIGNAL);
    }
  }

  Behaviour behaviour_;
  Fd udp_;
  Fd tcp_;
  uint16_t port_ = 0;
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

inline FakeInternet::Server zone_server(std::vector<std::pair<std::string, std::string>> list) {
  auto held = std::make_shared<Zones>();
  for (const auto& [apex, text] : list) held->add(apex, text);
  return [held](std::string_view packet, bool tcp) {
    return FakeInternet::Packets{held->raw(packet, tcp ? Transport::tcp : Transport::udp)};
  };
}

}  // namespace umaya::named::testing
