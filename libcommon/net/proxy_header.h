// NAME    proxy_header - what a load balancer says of a connection before its first byte (HAProxy's PROXY protocol 1
// and 2)
//
// SYNOPSIS
//     ProxyHeader header = net::parse_proxy_header(bytes_so_far);
//     if (header.status == ProxyHeader::Status::incomplete) …read more…
//     if (header.client) …the connection comes from *header.client…; bytes_so_far.substr(header.size) is the client's
//
// DESCRIPTION
//     A pure parser of the text form ("PROXY TCP4 192.0.2.1 192.0.2.25 40000 25") and of the binary one. A connection
//     of the balancer itself (LOCAL, UNKNOWN, UNSPEC and Unix sockets) has no client. Extra fields (TLVs) are passed
//     over. Whether the peer may be believed is for the caller to know: only on a listener that is there for balancers.
//
// ERRORS
//     Status::invalid with the reason in error; nothing can be read from that connection.
//
// LIMITS
//     107 octets for the text form, 16 + 2,048 for the binary one.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "libcommon/net/address.h"

namespace umaya::net {

struct ProxyHeader {
  enum class Status : uint8_t { complete, incomplete, invalid };
  Status status = Status::incomplete;
  size_t size = 0;                   ///< octets of the header, when complete
  std::optional<Endpoint> client{};  ///< who connected to the balancer
  std::optional<Endpoint> server{};  ///< and to which address of it
  std::string_view error{};          ///< when invalid
};

ProxyHeader parse_proxy_header(std::string_view bytes);

}  // namespace umaya::net
