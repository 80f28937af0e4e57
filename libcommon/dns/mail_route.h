// NAME    mail_route - the hosts that take a domain's mail, with their addresses, in the order to try
//
// SYNOPSIS
//     auto route = co_await dns::mail_route(resolver, "example.org", options);
//     if (!route) … route.error(): kind, dsn ("5.4.4"), what (the text for the log and the sender)
//     for (const dns::MailHost& host : route->hosts) …
//     for (const dns::RouteName& name : route->names) …          // also those that have no address, and why
//     auto plain = co_await dns::host_route(resolver, "mx.example.org", options);     // "[host]": no MX look-up
//
// DESCRIPTION
//     RFC 5321 5.1: the MX records of the domain by preference, or its own addresses when it has none. A domain with a
//     null MX takes no mail (RFC 7505). When we are one of the hosts, the hosts that are not better than ourselves are
//     left out; when nothing is left the mail would loop.
//
// ERRORS
//     permanent: no such domain, no address, null MX, "mail for X loops back to myself". temporary: every way of not
//     knowing. Texts and status codes are Postfix's.
//
// LIMITS
//     100 MX records; once the address limit is reached no further preference is looked up; 40 host names at most.
#pragma once

#include <string>
#include <vector>

#include "libcommon/base/result.h"
#include "libcommon/dns/mx_order.h"
#include "libcommon/dns/resolver.h"

namespace umaya::dns {

/// Where host names are looked up, in this order (smtp_host_lookup).
enum class HostLookup : unsigned char { dns, native };

struct RouteOptions {
  Families families = Families::both;  ///< inet_protocols
  Order order{};
  std::vector<HostLookup> lookup{HostLookup::dns};
  const OwnHost* own = nullptr;         ///< loop detection; null: none (a port other than 25, LMTP)
  bool dns_enabled = true;              ///< no: smtp_dns_support_level = disabled
  bool ignore_mx_lookup_error = false;  ///< ignore_mx_lookup_error
  bool defer_if_no_mx_address = false;  ///< smtp_defer_if_no_mx_address_found
  RandomBelow random{};                 ///< for tests; the system's randomness when empty
};

/// A host name of the route, and what the name service said about its addresses.
struct RouteName {
  std::string name;
  uint16_t preference = 0;
  Status status = Status::timed_out;
  std::string error{};         ///< why there is no address, empty when found
  uint32_t ttl = kForeverTtl;  ///< seconds
  bool authenticated = false;  ///< the name server vouches for every answer that was used (AD)
};

struct Route {
  std::vector<MailHost> hosts;    ///< in the order to try
  std::vector<RouteName> names;   ///< those that were looked up, by ascending preference
  uint32_t ttl = kForeverTtl;     ///< seconds that all of this may be remembered: the least of all answers
  bool mx_authenticated = false;  ///< the same for the MX records; false when there was no MX question
};

using MailRoute = Result<Route>;

/// co_await: for a mail domain in ASCII form (message::canonical_domain).
event::Task<MailRoute> mail_route(Resolver& resolver, std::string domain, RouteOptions options);

/// co_await: for a host name or a numeric address ("192.0.2.1", "IPv6:2001:db8::1").
event::Task<MailRoute> host_route(Resolver& resolver, std::string host, RouteOptions options);

}  // namespace umaya::dns
