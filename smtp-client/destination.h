// NAME    destination - what a nexthop names: a mail domain, a host, or a socket
//
// SYNOPSIS
//     auto list = smtp_client::parse_destinations("[mx.example]:587, backup.example", Protocol::smtp, "smtp");
//     for (const Destination& d : *list) …
//
// DESCRIPTION
//     SMTP:  domain   [host]   domain:port   [host]:port      each may be followed by others, tried in turn
//     LMTP:  unix:path   inet:host:port   and the forms above; there MX records are never looked up
//     A port is a number or a name of services(5). Without brackets an SMTP nexthop is a mail domain.
//
// ERRORS
//     A list that names nothing, or a port that nobody knows: temporary, as it is our configuration that is wrong.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "libcommon/base/result.h"

namespace umaya::smtp_client {

/// What is spoken: decides the greeting, the default port and who answers after DATA.
enum class Protocol : uint8_t { smtp, lmtp };

struct Destination {
  enum class Kind : uint8_t {
    domain,  ///< look up MX records
    host,    ///< look up addresses only, or numeric
    socket,  ///< a Unix socket
  };
  Kind kind = Kind::domain;
  std::string name;    ///< domain or host in ASCII form, numeric address, or path
  uint16_t port = 0;   ///< 0 for sockets
  std::string text{};  ///< as written

  bool operator==(const Destination&) const = default;
};

/// Reads a nexthop; default_port is a number or a service name.
Result<std::vector<Destination>> parse_destinations(std::string_view nexthop, Protocol protocol,
                                                    std::string_view default_port);

/// A port number or a name of services(5) for TCP; "smtp" and "lmtp" are known without the file.
Result<uint16_t> parse_port(std::string_view text);

}  // namespace umaya::smtp_client
