#include "named-lite/recursion/sockets.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include "libcommon/base/clock.h"
#include "libcommon/base/random.h"
#include "libcommon/event/datagram.h"
#include "libcommon/event/listener.h"
#include "libcommon/event/stream.h"
#include "named-lite/dns/wire.h"
#include "named-lite/recursion/counted.h"
#include "named-lite/recursion/reply_filter.h"

namespace umaya::named {

namespace {

constexpr int kPortTries = 8;
constexpr size_t kMostUdpAnswer = 4096;  // we ask for 1232 at most

/// DF, whatever path MTU somebody claims (forged ICMP): our questions are small.
void forbid_fragments(int fd, int family) {
  int v4 = IP_PMTUDISC_PROBE;
  int v6 = IPV6_PMTUDISC_PROBE;
  if (family == AF_INET) {
    ::setsockopt(fd, IPPROTO_IP, IP_MTU_DISCOVER, &v4, sizeof v4);
  } else {
    ::setsockopt(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, &v6, sizeof v6);
  }
}

event::PeerAddress to_peer(const net::Endpoint& endpoint) {
  event::PeerAddress peer;
  peer.size = endpoint.to_sockaddr(peer.storage);
  return peer;
}

net::IpAddress any_address(bool v4) {
  static constexpr uint8_t kZeros[16] = {};
  return v4 ? net::IpAddress::v4(kZeros) : net::IpAddress::v6(kZeros);
}

/// A socket on a random port: the whole range, not only the system's third of it.
Result<event::DatagramSocket> open_udp(const net::Endpoint& server, const net::IpAddress& source,
                                       SocketUpstream::PortRange ports) {
  int family = server.address.is_v4() ? AF_INET : AF_INET6;
  net::IpAddress from = source ? source : any_address(server.address.is_v4());
  Result<event::DatagramSocket> socket = temporary("no port");
  for (int i = 0; i < kPortTries; ++i) {
    auto port = static_cast<uint16_t>(ports.least + random_below(uint64_t{ports.most} - ports.least + 1));
    socket = event::DatagramSocket::create(family, to_peer({from, port}));
    if (socket || (socket.error().sys_errno != EADDRINUSE && socket.error().sys_errno != EACCES)) break;
  }
  if (!socket) return socket;
  forbid_fragments(socket->fd(), family);
  UMAYA_CHECK(socket->connect(to_peer(server)));
  return socket;
}

UpstreamStatus status_of(int sys_errno) {
  switch (sys_errno) {
    case ETIMEDOUT:
    case EAGAIN:
      return UpstreamStatus::timed_out;
    case ECONNREFUSED:
    case EHOSTUNREACH:
    case ENETUNREACH:
    case ENETDOWN:
    case EADDRNOTAVAIL:
    case EINVAL:
    case EPERM:  // a packet filter
    case EACCES:
      return UpstreamStatus::unreachable;
    default:
      return UpstreamStatus::no_resources;
  }
}

ReplyFilter filter_for(const UpstreamRequest& request) {
  ReplyFilter::Options options;
  options.exact_case = request.exact_case;
  options.client_cookie = request.client_cookie;
  options.most_others = request.most_mismatches;
  return {request.packet, options};
}

}  // namespace

const net::IpAddress& SocketUpstream::source_for(const net::IpAddress& server) const {
  return server.is_v4() ? options_.source_v4 : options_.source_v6;
}

/// A question as it is sent, and what its answer is checked with.
struct SocketUpstream::Sealed {
  std::shared_ptr<const TsigKeys> keys;
  const TsigKey* key = nullptr;  // null: it is not signed
  std::string packet;
  std::string mac;

  bool opens(std::string_view answer) const {
    return key == nullptr || TsigStream(*key, mac).take(answer, static_cast<uint64_t>(wall_seconds())).has_value();
  }
};

/// Nothing when its key is not there.
std::optional<SocketUpstream::Sealed> SocketUpstream::seal(const UpstreamRequest& request) const {
  Sealed sealed{keys_, nullptr, request.packet, {}};
  if (request.key.empty()) return sealed;
  sealed.key = find_key(*sealed.keys, request.key);
  if (sealed.key == nullptr) return std::nullopt;
  TsigSigner signer(*sealed.key);
  signer.sign(sealed.packet, static_cast<uint64_t>(wall_seconds()));
  sealed.mac = signer.mac();
  return sealed;
}

event::Task<UpstreamReply> SocketUpstream::exchange(const UpstreamRequest& request) {
  UpstreamReply reply;
  const std::optional<Sealed> sealed = seal(request);
  if (open_ >= options_.most_open || !sealed) {
    reply.status = UpstreamStatus::no_resources;
    co_return reply;
  }
  Counted counted(open_);
  TimePoint begin = monotonic_now();
  if (request.over_tcp) {
    reply = co_await over_tcp(request, *sealed);
  } else {
    reply = co_await over_udp(request, *sealed);
  }
  reply.took = monotonic_now() - begin;
  co_return reply;
}

event::Task<UpstreamReply> SocketUpstream::over_udp(const UpstreamRequest& request, const Sealed& sealed) {
  UpstreamReply result;
  TimePoint until = monotonic_now() + request.limit;
  const net::IpAddress& source = source_for(request.server.address);
  auto socket =
      open_udp(request.server, source, request.server.address.is_v4() ? options_.ports_v4 : options_.ports_v6);
  Result<void> sent = socket ? socket->send(sealed.packet) : std::unexpected(socket.error());
  if (!sent) {
    result.status = status_of(sent.error().sys_errno);
    co_return result;
  }
  ReplyFilter filter = filter_for(request);
  uint16_t forged = 0;
  while (true) {
    Duration left = until - monotonic_now();
    if (left <= Duration::zero()) break;
    auto packet = co_await socket->receive(left, kMostUdpAnswer);
    if (!packet) {
      result.status = status_of(packet.error().sys_errno);
      break;
    }
    if (!sealed.opens(packet->bytes)) {
      if (++forged <= request.most_mismatches) continue;
      result.status = UpstreamStatus::suspicious;
      break;
    }
    Verdict verdict = filter.offer(packet->bytes);
    if (verdict == Verdict::other) continue;
    result.status = verdict == Verdict::answer ? UpstreamStatus::answered : UpstreamStatus::suspicious;
    break;
  }
  result.mismatches = static_cast<uint16_t>(filter.others() + forged);
  if (result.status == UpstreamStatus::answered) result.reply = std::move(filter.reply());
  co_return result;
}

event::Task<UpstreamReply> SocketUpstream::over_tcp(const UpstreamRequest& request, const Sealed& sealed) {
  UpstreamReply result;
  TimePoint until = monotonic_now() + request.limit;
  const net::IpAddress& source = source_for(request.server.address);
  event::PeerAddress from;
  if (source) from = to_peer({source, 0});
  auto connected = co_await event::connect_to(to_peer(request.server), request.limit, from);
  if (!connected) {
    result.status = status_of(connected.error().sys_errno);
    co_return result;
  }
  event::Stream stream(std::move(*connected));
  stream.set_deadline(until);
  std::string framed{static_cast<char>(sealed.packet.size() >> 8), static_cast<char>(sealed.packet.size())};
  framed += sealed.packet;
  stream.write(framed);
  auto flushed = co_await stream.flush();
  result.status = UpstreamStatus::broken;
  if (!flushed) co_return result;
  event::Read head = co_await stream.read_exactly(2);
  if (head.status == event::ReadStatus::timed_out) result.status = UpstreamStatus::timed_out;
  if (!head) co_return result;
  size_t size = be16_at(head.data, 0);
  event::Read body = co_await stream.read_exactly(size);
  if (body.status == event::ReadStatus::timed_out) result.status = UpstreamStatus::timed_out;
  if (!body) co_return result;
  ReplyFilter filter = filter_for(request);
  if (sealed.opens(body.data) && filter.offer(body.data) == Verdict::answer) {
    result.status = UpstreamStatus::answered;
    result.reply = std::move(filter.reply());
  }
  co_return result;
}

}  // namespace umaya::named
