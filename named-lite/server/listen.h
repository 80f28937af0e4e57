// NAME    listen - the sockets that questions come in at
//
// SYNOPSIS
//     UMAYA_TRY(auto sets, open_listening({{address, 53}}, processes));
//
// DESCRIPTION
//     Each query process has sockets of its own for every address, bound with SO_REUSEPORT: the kernel spreads the
//     clients over them. They are opened once, in the parent, so that what waits in them outlives a process.
//
// ERRORS
//     An address that another program uses is an error, although SO_REUSEPORT would let both have it.
#pragma once

#include <vector>

#include "libcommon/base/fd.h"
#include "libcommon/base/result.h"
#include "libcommon/net/address.h"
#include "named-lite/config/named_conf.h"

namespace umaya::named {

/// One address as one process listens on it.
struct ListenSockets {
  net::Endpoint at;
  Fd udp;
  Fd tcp;
};

/// The addresses that the configuration asks to listen on, of those that this host has.
std::vector<net::Endpoint> listen_addresses(const NamedConf& conf, uint16_t port);

/// What is to be opened, and what to be closed, so that `wanted` is listened on in the place of `now`.
struct ListenChanges {
  std::vector<net::Endpoint> opened;
  std::vector<net::Endpoint> closed;
};
ListenChanges listen_changes(const std::vector<net::Endpoint>& now, const std::vector<net::Endpoint>& wanted);

/// A set of sockets for each of so many processes.
Result<std::vector<ListenSockets>> open_listening(const net::Endpoint& at, size_t processes);

/// Copies of the descriptors.
Result<ListenSockets> duplicate(const ListenSockets& sockets);

}  // namespace umaya::named
