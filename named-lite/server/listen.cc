#include "named-lite/server/listen.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "named-lite/query/packet_info.h"

namespace umaya::named {

namespace {

using namespace std::chrono_literals;

constexpr int kReceiveBuffer = 4 << 20;
constexpr int kTries = 20;  // sockets of a server that is just ending
constexpr auto kBetweenTries = 50ms;

bool is_link_local(const net::IpAddress& address) {
  return address.is_v6() && static_cast<unsigned char>(address.bytes()[0]) == 0xFE &&
         (static_cast<unsigned char>(address.bytes()[1]) & 0xC0) == 0x80;
}

/// Single addresses that a list names, whether an interface has them or not.
void named_addresses(const Acl& acl, std::vector<net::IpAddress>& out) {
  for (const AclElement& element : acl) {
    if (element.negated) continue;
    if (element.kind == AclElement::Kind::nested) named_addresses(element.nested, out);
    if (element.kind == AclElement::Kind::network && element.network.prefix() == element.network.address().bits()) {
      out.push_back(element.network.address());
    }
  }
}

enum class Sharing : unsigned char { none, with_our_own };

Result<Fd> bind_socket(const net::Endpoint& at, int type, Sharing sharing) {
  sockaddr_storage address{};
  socklen_t size = at.to_sockaddr(address);
  Fd fd(socket(address.ss_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) return sys_error("socket");
  int on = 1;
  if (address.ss_family == AF_INET6) setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
  if (type == SOCK_STREAM) setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (sharing == Sharing::with_our_own) setsockopt(fd.get(), SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
  if (bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), size) != 0) return sys_error("bind");
  return fd;
}

void prepare_udp(int fd, const net::Endpoint& at) {
  // A burst of questions waits in the kernel while zones are exchanged.
  setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &kReceiveBuffer, sizeof kReceiveBuffer);
  // Path MTU reports can be forged and would make answers be cut in pieces.
  int omit = IP_PMTUDISC_OMIT;
  if (at.address.is_v4()) setsockopt(fd, IPPROTO_IP, IP_MTU_DISCOVER, &omit, sizeof omit);
  if (at.address.is_v6()) setsockopt(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, &omit, sizeof omit);
  if (at.address.is_unspecified()) ask_for_packet_info(fd, at.address.is_v4() ? AF_INET : AF_INET6);
}

/// Whether nobody else has the address. Sockets that are not shared are refused as long as anybody has one.
Result<void> is_free(const net::Endpoint& at) {
  for (int i = 0;; ++i) {
    auto udp = bind_socket(at, SOCK_DGRAM, Sharing::none);
    auto tcp = udp ? bind_socket(at, SOCK_STREAM, Sharing::none) : std::move(udp);
    if (tcp && ::listen(tcp->get(), 1) == 0) return {};
    int error = tcp ? errno : tcp.error().sys_errno;
    if (error != EADDRINUSE || i >= kTries) return sys_error("bind", error);
    std::this_thread::sleep_for(kBetweenTries);
  }
}

}  // namespace

std::vector<net::Endpoint> listen_addresses(const NamedConf& conf, uint16_t port) {
  std::vector<ListenConf> all = conf.listen;
  for (net::Family family : {net::Family::ipv4, net::Family::ipv6}) {
    if (!conf.uses(family)) continue;
    bool named = std::any_of(all.begin(), all.end(), [&](const ListenConf& each) { return each.family == family; });
    if (!named) all.push_back({family, 0, acl_of_any()});
  }
  std::vector<net::Endpoint> result;
  for (const ListenConf& listen : all) {
    std::vector<net::IpAddress> candidates;
    named_addresses(acl_of_localhost(), candidates);
    named_addresses(listen.addresses, candidates);
    for (const net::IpAddress& address : candidates) {
      if (address.family() != listen.family || !conf.uses(listen.family)) continue;
      if (is_link_local(address) || !admits(listen.addresses, address)) continue;
      net::Endpoint at{address, listen.port != 0 ? listen.port : port};
      if (std::find(result.begin(), result.end(), at) == result.end()) result.push_back(at);
    }
  }
  return result;
}

ListenChanges listen_changes(const std::vector<net::Endpoint>& now, const std::vector<net::Endpoint>& wanted) {
  auto has = [](const std::vector<net::Endpoint>& all, const net::Endpoint& at) {
    return std::find(all.begin(), all.end(), at) != all.end();
  };
  ListenChanges changes;
  for (const net::Endpoint& at : wanted) {
    if (!has(now, at)) changes.opened.push_back(at);
  }
  for (const net::Endpoint& at : now) {
    if (!has(wanted, at)) changes.closed.push_back(at);
  }
  return changes;
}

Result<std::vector<ListenSockets>> open_listening(const net::Endpoint& at, size_t processes) {
  UMAYA_CHECK(is_free(at));
  std::vector<ListenSockets> sets(processes);
  for (ListenSockets& set : sets) {
    set.at = at;
    UMAYA_TRY(set.udp, bind_socket(at, SOCK_DGRAM, Sharing::with_our_own));
    prepare_udp(set.udp.get(), at);
    UMAYA_TRY(set.tcp, bind_socket(at, SOCK_STREAM, Sharing::with_our_own));
    if (::listen(set.tcp.get(), SOMAXCONN) != 0) return sys_error("listen");
  }
  return sets;
}

Result<ListenSockets> duplicate(const ListenSockets& sockets) {
  ListenSockets copy{sockets.at, Fd(fcntl(sockets.udp.get(), F_DUPFD_CLOEXEC, 0)),
                     Fd(fcntl(sockets.tcp.get(), F_DUPFD_CLOEXEC, 0))};
  if (!copy.udp || !copy.tcp) return sys_error("dup");
  return copy;
}

}  // namespace umaya::named
