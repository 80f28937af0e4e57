#include "libcommon/dns/mail_route.h"

#include <algorithm>

#include "libcommon/base/random.h"
#include "libcommon/dns/name.h"
#include "libcommon/log/log.h"

namespace umaya::dns {

using event::Task;

namespace {

constexpr size_t kMaxHostsLookedUp = 40;

RandomBelow chance(const RouteOptions& options) {
  return options.random ? options.random : RandomBelow(random_below);
}

// Postfix's status codes for what the name service said (RFC 3463 section 3.5).
Error lookup_error(Status status, std::string what) {
  switch (status) {
    case Status::no_name:
    case Status::no_data:
    case Status::invalid:
      return {ErrorKind::permanent, 0, std::move(what), "5.4.4"};
    default:
      return {ErrorKind::temporary, 0, std::move(what), "4.4.3"};
  }
}

Error loop_error(const std::string& name) {
  return {ErrorKind::permanent, 0, "mail for " + name + " loops back to myself", "5.4.6"};
}

Task<Addresses> host_addresses(Resolver& resolver, std::string host, const RouteOptions& options) {
  Addresses found;
  found.status = Status::no_name;
  for (HostLookup where : options.lookup) {
    if (where == HostLookup::native || !options.dns_enabled) {
      found = co_await native_addresses_of(resolver, host, options.families);
    } else {
      found = co_await addresses_of(resolver, host, options.families);
    }
    if (found.status == Status::found || !is_definite(found.status)) break;
  }
  co_return found;
}

void add_hosts(std::vector<MailHost>& hosts, const Mx& mx, const Addresses& addresses, bool best) {
  for (const net::IpAddress& a : addresses.list) {
    if (!a.is_multicast()) hosts.push_back({mx.name, mx.preference, a, best});
  }
}

RouteName named(const Mx& mx, const Addresses& addresses) {
  RouteName name{mx.name, mx.preference, addresses.status};
  name.error = addresses.error;
  name.ttl = addresses.ttl;
  name.authenticated = addresses.authenticated;
  return name;
}

struct Collected {
  Route route;
  Error error;  // why there is no host at all
  bool has_error = false;
};

/// Looks up the hosts of an MX set, preference by preference, until there are addresses enough.
Task<Collected> collect_hosts(Resolver& resolver, std::vector<Mx> list, const RouteOptions& options) {
  Collected out;
  const size_t count = std::min(list.size(), kMaxHostsLookedUp);
  for (size_t i = 0; i < count; ++i) {
    const bool new_preference = i > 0 && list[i].preference != list[i - 1].preference;
    if (new_preference && options.order.limit > 0 && out.route.hosts.size() >= options.order.limit) break;
    if (options.own && options.own->has(list[i].name)) {  // our own name needs no address to be recognised
      out.route.hosts.push_back({list[i].name, list[i].preference, {}, list[i].preference == list[0].preference});
      break;
    }
    Addresses addresses = co_await host_addresses(resolver, list[i].name, options);
    add_hosts(out.route.hosts, list[i], addresses, list[i].preference == list[0].preference);
    out.route.names.push_back(named(list[i], addresses));
    out.route.ttl = std::min(out.route.ttl, addresses.ttl);
    if (addresses.status == Status::found) continue;
    Error error = lookup_error(addresses.status, std::move(addresses.error));
    // One host that may come back keeps the mail, whatever the others are.
    if (!out.has_error || (out.error.is_permanent() && !error.is_permanent())) out.error = std::move(error);
    out.has_error = true;
  }
  co_return out;
}

}  // namespace

Task<MailRoute> host_route(Resolver& resolver, std::string host, RouteOptions options) {
  Route route;
  if (auto literal = net::IpAddress::parse_literal(host)) {
    route.hosts.push_back({host, 0, *literal, true});
  } else {
    Addresses addresses = co_await host_addresses(resolver, host, options);
    if (addresses.status != Status::found) {
      co_return std::unexpected(lookup_error(addresses.status, std::move(addresses.error)));
    }
    const Mx self{0, host};
    add_hosts(route.hosts, self, addresses, true);
    if (route.hosts.empty()) co_return permanent("host " + host + " has no usable address", "5.4.4");
    route.names.push_back(named(self, addresses));
    route.ttl = addresses.ttl;
  }
  if (options.own && drop_own(route.hosts, *options.own)) co_return std::unexpected(loop_error(host));
  arrange(route.hosts, options.order, chance(options));
  co_return route;
}

Task<MailRoute> mail_route(Resolver& resolver, std::string domain, RouteOptions options) {
  if (!options.dns_enabled || net::IpAddress::parse_literal(domain)) {
    co_return co_await host_route(resolver, domain, options);
  }
  Answer answer = co_await resolver.query(domain, Type::mx);
  if (answer.status == Status::no_data) co_return co_await host_route(resolver, domain, options);
  if (!answer.found()) {
    if (options.ignore_mx_lookup_error && answer.status != Status::no_name) {
      co_return co_await host_route(resolver, domain, options);
    }
    answer.name = domain;
    // NXDOMAIN for the MX: the address would not exist either, but /etc/hosts may know it.
    if (answer.status == Status::no_name && std::ranges::count(options.lookup, HostLookup::native) > 0) {
      co_return co_await host_route(resolver, domain, options);
    }
    co_return std::unexpected(lookup_error(answer.status, answer.error_text()));
  }
  if (is_null_mx(answer.records)) {
    co_return permanent("Domain " + domain + " does not accept mail (nullMX)", "5.1.0");
  }
  std::vector<Mx> list = sort_mx(answer.records, chance(options));
  if (list.empty()) co_return temporary("no MX host of " + domain + " has a valid name", "4.4.3");
  const uint16_t best = list.front().preference;
  Collected collected = co_await collect_hosts(resolver, std::move(list), options);
  Route& route = collected.route;
  if (route.hosts.empty()) {
    log::warning("no MX host for {} has a valid address record", domain);
    if (!collected.has_error) co_return permanent("no MX host of " + domain + " has a usable address", "5.4.4");
    Error error = std::move(collected.error);
    if (options.defer_if_no_mx_address && error.is_permanent()) {
      error.kind = ErrorKind::temporary;
      error.dsn[0] = '4';
    }
    co_return std::unexpected(std::move(error));
  }
  const bool best_known = std::ranges::any_of(route.hosts, [best](auto& h) { return h.preference == best; });
  if (options.own && drop_own(route.hosts, *options.own) && route.hosts.empty()) {
    if (!best_known) co_return temporary("unable to find primary relay for " + domain, "4.4.4");
    co_return std::unexpected(loop_error(domain));
  }
  arrange(route.hosts, options.order, chance(options));
  route.ttl = std::min(route.ttl, answer.ttl);
  route.mx_authenticated = answer.authenticated;
  co_return std::move(route);
}

}  // namespace umaya::dns
