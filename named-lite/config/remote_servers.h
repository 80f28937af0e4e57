// NAME    remote_servers - other name servers as primaries, also-notify and parental-agents name them
//
// SYNOPSIS
//     lists.define(statement, keys, problems);                    // primaries upstream { 192.0.2.1 key k; };
//     auto servers = lists.read(statement, keys, problems);       // primaries port 5353 { upstream; 192.0.2.2; };
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "libcommon/net/address.h"
#include "named-lite/config/tree.h"
#include "named-lite/dns/name.h"
#include "named-lite/dns/tsig.h"

namespace umaya::named {

struct RemoteServer {
  net::Endpoint at;
  std::optional<Name> key;  ///< of NamedConf::keys, lower case
};

/// The named lists of a configuration.
class ServerLists {
 public:
  /// All lists together, those of named lists counted wherever the name stands.
  static constexpr size_t kMostServers = 100'000;
  /// `primaries name { … };` at the top.
  void define(const Statement& statement, const TsigKeys& keys, Problems& problems);
  /// `primaries [port 53] { 192.0.2.1 [port 53] [key name]; name-of-list; … };`
  std::vector<RemoteServer> read(const Statement& statement, const TsigKeys& keys, Problems& problems) const;

 private:
  struct Named {
    std::string name;
    std::vector<RemoteServer> servers;
  };
  void read_one(const Statement& statement, uint16_t port, const TsigKeys& keys, Problems& problems,
                std::vector<RemoteServer>& out) const;
  std::vector<Named> lists_;
  mutable size_t total_ = 0;
  mutable bool full_ = false;  // told already
};

}  // namespace umaya::named
