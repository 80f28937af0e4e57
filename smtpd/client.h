// NAME    client - what is known about the other end of a session
#pragma once

#include <string>

#include "libcommon/net/address.h"

namespace umaya::smtpd {

/// How a name look-up ended; "not found" and "could not ask" are told apart.
enum class NameStatus : uint8_t {
  ok,         ///< the name is known (and for the verified name: leads back to the address)
  absent,     ///< definitely none
  forged,     ///< there is a name, and it definitely does not lead back
  temporary,  ///< could not ask
};

struct Client {
  net::IpAddress address;    ///< no address for stand-alone mode
  std::string address_text;  ///< "192.0.2.1", "2001:db8::1"
  std::string rfc_address;   ///< as in Received: "192.0.2.1", "IPv6:2001:db8::1"
  uint16_t port = 0;
  std::string name = "unknown";          ///< verified name
  std::string reverse_name = "unknown";  ///< PTR name
  NameStatus name_status = NameStatus::absent;
  NameStatus reverse_status = NameStatus::absent;
  bool trusted = false;          ///< in mynetworks
  bool own_interface = false;    ///< one of our own addresses
  bool local_socket = false;     ///< came over a Unix socket
  bool limits_exempt = false;    ///< smtpd_client_event_limit_exceptions
  bool encrypted = false;        ///< the line to it (STARTTLS, wrapper mode)
  std::string channel_binding;   ///< "tls-exporter" (RFC 9266) of that line; empty: none
  std::string certificate_name;  ///< in its verified certificate; empty: none
  std::string label;             ///< "name[address]" or "name[address]:port", for logs and replies
};

}  // namespace umaya::smtpd
