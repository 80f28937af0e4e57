// NAME    sockets - questions to other name servers over UDP and TCP
//
// DESCRIPTION
//     Each question over UDP has a socket of its own: bound to a random port, connected to the server, closed with the
//     answer, so that whoever forges one must guess the port beside the id (RFC 5452 9.2). Packets carry DF: what does
//     not fit is not cut into fragments. Over TCP each question has a connection of its own. A question that has a key
//     is signed, and what is not signed with it then (RFC 8945) is no answer.
//
// ERRORS
//     An ICMP error ends the wait for this server; a forged one makes us ask another server and does no other harm.
//
// LIMITS
//     most_open sockets at the same time; beyond them: no_resources.
#pragma once

#include <memory>
#include <optional>

#include "named-lite/dns/tsig.h"
#include "named-lite/recursion/settings.h"
#include "named-lite/recursion/upstream.h"

namespace umaya::named {

class SocketUpstream : public Upstream {
 public:
  struct PortRange {
    uint16_t least = 1024;
    uint16_t most = 65535;
  };
  struct Options {
    net::IpAddress source_v4{};  ///< query-source; none: any
    net::IpAddress source_v6{};
    PortRange ports_v4, ports_v6;  ///< that questions leave from
    size_t most_open = 2000;
  };
  explicit SocketUpstream(Options options) : options_(options) {}
  event::Task<UpstreamReply> exchange(const UpstreamRequest& request) override;
  /// Keys that requests may name; without its key a question is not asked.
  void set_keys(TsigKeys keys) { keys_ = std::make_shared<const TsigKeys>(std::move(keys)); }
  size_t open() const { return open_; }

 private:
  struct Sealed;
  std::optional<Sealed> seal(const UpstreamRequest& request) const;
  event::Task<UpstreamReply> over_udp(const UpstreamRequest& request, const Sealed& sealed);
  event::Task<UpstreamReply> over_tcp(const UpstreamRequest& request, const Sealed& sealed);
  const net::IpAddress& source_for(const net::IpAddress& server) const;

  Options options_;
  /// Shared: an exchange that is under way keeps the key that it began with.
  std::shared_ptr<const TsigKeys> keys_ = std::make_shared<const TsigKeys>();
  size_t open_ = 0;
};

}  // namespace umaya::named
