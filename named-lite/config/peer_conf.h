// NAME    peer_conf - `server 192.0.2.1 { … };`: how a certain name server is spoken to
#pragma once

#include <optional>
#include <vector>

#include "named-lite/config/reading.h"
#include "named-lite/config/transfer_conf.h"

namespace umaya::named {

struct PeerConf {
  net::Network network{net::IpAddress(), 0};
  bool bogus = false;                ///< is never asked
  std::optional<bool> edns;          ///< nothing: found out
  std::optional<bool> provide_ixfr;  ///< nothing, here and below: as the zone or view says
  std::optional<bool> request_ixfr;
  std::optional<bool> request_expire;
  std::optional<bool> request_nsid;
  std::optional<bool> send_cookie;
  bool tcp_only = false;
  std::optional<uint16_t> edns_udp_size;  ///< what we say that we can take
  std::optional<uint16_t> max_udp_size;   ///< what is sent to it at most
  std::optional<uint16_t> transfers;      ///< at the same time
  std::optional<TransferFormat> format;
  std::optional<Name> key;  ///< of NamedConf::keys, lower case; signs what is sent
  SourceAddresses query_source, notify_source, transfer_source;
};

using Peers = std::vector<PeerConf>;

/// Adds the server of a statement; of two that hold an address the longer prefix counts (find_peer).
void read_peer(const Reading& reading, const Statement& statement, Peers& peers);
/// Servers that have no key of their own get that of their clause.
void add_peer_keys(const Peers& peers, std::vector<RemoteServer>& servers);
/// What is said of a server; nullptr when nothing is.
const PeerConf* find_peer(const Peers& peers, const net::IpAddress& address);

}  // namespace umaya::named
