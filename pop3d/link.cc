#include "pop3d/link.h"

#include <algorithm>

#include "libcommon/base/random.h"
#include "libcommon/base/strings.h"
#include "libcommon/log/log.h"
#include "libcommon/net/proxy_header.h"

namespace umaya::pop3d {

namespace {

std::string new_session_name() {
  char bytes[12];
  random_bytes(bytes);
  return base64_encode({bytes, sizeof bytes});
}

void set_end(const net::Endpoint& end, std::string& address, uint16_t& port) {
  address = end.address.unmapped().to_string();
  port = end.port;
}

}  // namespace

std::string Link::log_text() const {
  std::string out = "rip=" + remote + ", lip=" + local;
  if (secured()) out += ", " + protection();
  return out + ", session=<" + session + ">";
}

void note_tls(Link& link, const tls::SessionInfo& info) {
  link.tls = true;
  bool proved = info.peer.present && info.peer.trust >= tls::Trust::trusted;
  if (proved) link.cert_username = info.peer.subject_cn;
}

Link link_of(int fd, const event::PeerAddress& peer) {
  Link link;
  link.session = new_session_name();
  sockaddr_storage ours{};
  socklen_t size = sizeof ours;
  std::optional<net::Endpoint> local, remote;
  if (getsockname(fd, reinterpret_cast<sockaddr*>(&ours), &size) == 0) {
    local = net::Endpoint::from_sockaddr(reinterpret_cast<const sockaddr*>(&ours));
  }
  remote = net::Endpoint::from_sockaddr(reinterpret_cast<const sockaddr*>(&peer.storage));
  if (local) set_end(*local, link.local, link.local_port);
  if (remote) set_end(*remote, link.remote, link.remote_port);
  // A client on this host: nobody can listen on the way.
  link.local_only =
      local && remote && (remote->address.is_loopback() || remote->address.unmapped() == local->address.unmapped());
  return link;
}

event::Task<bool> read_proxy_header(event::Stream* client, Link* link, const Params* params,
                                    const std::vector<net::Network>* trusted) {
  auto balancer = net::IpAddress::parse(link->remote);
  bool known = balancer && std::any_of(trusted->begin(), trusted->end(),
                                       [&](const net::Network& network) { return network.contains(*balancer); });
  if (!known) {
    log::warning("{} is not in pop3_upstream_proxy_networks: closed", link->remote);
    co_return false;
  }
  client->set_deadline(monotonic_now() + params->upstream_proxy_timeout);
  std::string bytes;
  net::ProxyHeader header;
  while (header.status == net::ProxyHeader::Status::incomplete) {
    event::Read block = co_await client->read_some();
    if (!block) {
      bool late = block.status == event::ReadStatus::timed_out;
      log::warning("proxy header from {}: {}", link->remote, late ? "timeout" : "lost connection");
      co_return false;
    }
    size_t before = bytes.size();
    bytes.append(block.data);
    header = net::parse_proxy_header(bytes);
    if (header.status == net::ProxyHeader::Status::complete) client->unread(before + block.data.size() - header.size);
  }
  client->set_deadline(TimePoint::max());
  if (header.status == net::ProxyHeader::Status::invalid) {
    log::warning("proxy header from {}: {}", link->remote, header.error);
    co_return false;
  }
  if (header.client) {
    link->local_only = false;
    set_end(*header.client, link->remote, link->remote_port);
    if (header.server) set_end(*header.server, link->local, link->local_port);
  }
  co_return true;
}

}  // namespace umaya::pop3d
