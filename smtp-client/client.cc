#include "smtp-client/client.h"

#include <sys/socket.h>

#include <algorithm>

#include "libcommon/base/strings.h"
#include "libcommon/event/listener.h"
#include "libcommon/log/log.h"
#include "libcommon/message/address.h"
#include "libcommon/table/open.h"
#include "libcommon/table/settle.h"
#include "smtp-client/security/authenticate.h"
#include "smtp-client/security/start_tls.h"

namespace umaya::smtp_client {

using event::Task;

namespace {

constexpr uint16_t kSmtpPort = 25;

dns::Families families_of(std::string_view inet_protocols) {
  if (inet_protocols == "ipv4") return dns::Families::ipv4;
  if (inet_protocols == "ipv6") return dns::Families::ipv6;
  return dns::Families::both;
}

dns::FamilyOrder family_order_of(std::string_view preference) {
  if (preference == "ipv4") return dns::FamilyOrder::ipv4_first;
  if (preference == "ipv6") return dns::FamilyOrder::ipv6_first;
  return dns::FamilyOrder::any;
}

dns::OwnHost own_host(const Params& params) {
  dns::OwnHost own;
  if (!params.myhostname.empty()) own.names.push_back(to_lower(params.myhostname));
  for (const std::string& text : params.proxy_interfaces) {
    if (auto address = net::IpAddress::parse_literal(text)) own.addresses.push_back(address->unmapped());
  }
  return own;
}

std::string reason_of(const Error& error) {
  return error.sys_errno ? std::string(strerror(error.sys_errno)) : error.what;
}

}  // namespace

Client::Client(Protocol spoken, Params values, std::unique_ptr<dns::Resolver> names)
    : protocol(spoken),
      params(std::move(values)),
      resolver(std::move(names)),
      security(params.tls),
      idle(params.cache_time_limit),
      own_(own_host(params)) {}

Result<std::unique_ptr<Client>> Client::create(Protocol protocol, const config::Config& config) {
  Params params;
  UMAYA_CHECK(bind_params(config, protocol, params));
  dns::StubResolver::Options options;
  options.resolv_conf = params.resolv_conf;
  UMAYA_TRY(auto resolver, dns::StubResolver::open(options));
  auto client = std::make_unique<Client>(protocol, std::move(params), std::move(resolver));
  for (const config::InterfaceAddress& own : config.own_addresses()) {
    const bool v4 = own.family == AF_INET;
    client->own_.addresses.push_back(v4 ? net::IpAddress::v4(own.address.data())
                                        : net::IpAddress::v6(own.address.data()));
  }
  const table::Options tables = table::options_from(config);
  const Params& p = client->params;
  const std::string prefix = protocol == Protocol::lmtp ? "lmtp_" : "smtp_";
  EditRules& rules = client->edit_rules;
  rules.generic = table::Maps::open(tables, prefix + "generic_maps", p.generic_maps);
  rules.header_checks = table::Maps::open(tables, prefix + "header_checks", p.header_checks);
  rules.mime_header_checks = table::Maps::open(tables, prefix + "mime_header_checks", p.mime_header_checks);
  rules.nested_header_checks = table::Maps::open(tables, prefix + "nested_header_checks", p.nested_header_checks);
  rules.body_checks = table::Maps::open(tables, prefix + "body_checks", p.body_checks);
  rules.mime_nesting_limit = static_cast<size_t>(p.mime_nesting_limit);
  rules.addresses.delimiters = config.get("recipient_delimiter");
  const std::string origin = config.get("myorigin");
  rules.addresses.is_local_domain = [origin](std::string_view domain) { return iequals(domain, origin); };
  client->security = SecurityRules(p.tls, p.sasl, tables, prefix, rules.addresses);
  client->mechanism_filter_ = table::MatchList::parse(tables, prefix + "sasl_mechanism_filter", p.sasl.mechanism_filter,
                                                      table::MatchKind::exact);
  client->open_tls();
  client->status_filter = services::delivery::StatusFilter::open(config, prefix + "delivery_status_filter");
  client->reply_filter_ = table::Maps::open(tables, prefix + "reply_filter", config.get(prefix + "reply_filter"));
  client->discard_maps_ = table::Maps::open(tables, prefix + "discard_ehlo_keyword_address_maps", p.discard_ehlo_maps);
  return client;
}

void Client::open_tls() {
  const TlsParams& p = params.tls;
  if (!security.may_use_tls()) return;
  tls::ClientSettings settings;
  settings.common = p.common;
  settings.ca_file = p.ca_file;
  settings.ca_path = p.ca_path;
  settings.trust_anchor_files = p.trust_anchor_files;
  settings.identity = p.identity;
  settings.tlsmgr = params.queue_directory + "/private/" + p.tlsmgr;
  settings.fingerprint_digest = p.fingerprint_digest;
  settings.verify_depth = p.verify_depth;
  settings.wildcards = p.many_labels ? tls::Wildcards::many_labels : tls::Wildcards::one_label;
  settings.session_limit = p.session_timeout;
  auto opened = tls::Client::open(std::move(settings));
  if (!opened) return log::error("TLS is not available: {}", opened.error().what);
  tls = std::move(*opened);
}

Timeouts Client::timeouts() const {
  return {.mail = params.mail_timeout,
          .rcpt = params.rcpt_timeout,
          .data_init = params.data_init_timeout,
          .data_xfer = params.data_xfer_timeout,
          .data_done = params.data_done_timeout,
          .rset = params.rset_timeout,
          .xforward = params.xforward_timeout};
}

dns::RouteOptions Client::route_options(const Destination& destination) const {
  dns::RouteOptions options;
  options.families = families_of(params.inet_protocols);
  options.order.family = family_order_of(params.address_preference);
  options.order.shuffle = params.randomize_addresses ? dns::Shuffle::yes : dns::Shuffle::no;
  options.order.limit = static_cast<size_t>(params.mx_address_limit);
  options.order.balance = params.balance_protocols;
  options.lookup.clear();
  for (const std::string& where : params.host_lookup) {
    options.lookup.push_back(where == "native" ? dns::HostLookup::native : dns::HostLookup::dns);
  }
  options.dns_enabled = !params.disable_dns_lookups && params.dns_support_level != "disabled";
  options.ignore_mx_lookup_error = params.ignore_mx_lookup_error;
  options.defer_if_no_mx_address = params.defer_if_no_mx_address;
  // A host that listens on another port than ours is another service, even on this machine.
  if (protocol == Protocol::smtp && destination.port == kSmtpPort) options.own = &own_;
  return options;
}

Task<dns::MailRoute> Client::find_hosts(Destination destination) {
  dns::RouteOptions options = route_options(destination);
  if (destination.kind == Destination::Kind::host) {
    co_return co_await dns::host_route(*resolver, destination.name, options);
  }
  co_return co_await dns::mail_route(*resolver, destination.name, options);
}

Task<Result<Fd>> Client::connect_socket(const Peer& peer) {
  if (peer.port == 0) {
    const bool relative = !peer.address.starts_with('/');
    co_return event::connect_unix(relative ? params.queue_directory + '/' + peer.address : peer.address, SOCK_STREAM);
  }
  event::PeerAddress to;
  to.size = peer.endpoint.to_sockaddr(to.storage);
  event::PeerAddress from;
  const std::string& local = peer.endpoint.address.is_v4() ? params.bind_address : params.bind_address6;
  if (auto address = net::IpAddress::parse_literal(local)) {
    if (address->family() == peer.endpoint.address.family()) {
      net::Endpoint endpoint{*address, 0};
      from.size = endpoint.to_sockaddr(from.storage);
    }
  }
  const Duration limit = params.connect_timeout > Duration::zero() ? params.connect_timeout : event::kForever;
  Result<Fd> fd = co_await event::connect_to(to, limit, from);
  if (!fd && from.size > 0 && fd.error().sys_errno == EADDRNOTAVAIL && !params.bind_address_enforce) {
    log::warning("cannot bind to {}: using the address that the system chooses", local);
    fd = co_await event::connect_to(to, limit);
  }
  co_return fd;
}

std::vector<std::string> Client::discarded_keywords(const Peer& peer) {
  if (discard_maps_.empty()) return params.discard_ehlo;
  table::Lookup found = discard_maps_.find(peer.address);
  if (!found) return params.discard_ehlo;
  std::vector<std::string> words;
  for (std::string_view word : split_list(found.value())) words.emplace_back(word);
  return words;
}

Hello Client::hello_for(const Session& session, std::string nexthop) {
  Hello hello;
  hello.protocol = protocol;
  hello.name = params.helo_name;
  if (protocol == Protocol::smtp && session.peer().port == kSmtpPort) hello.own_name = params.myhostname;
  hello.nexthop = std::move(nexthop);
  hello.discard = discarded_keywords(session.peer());
  hello.timeout = params.helo_timeout;
  hello.always_ehlo = params.always_send_ehlo;
  hello.never_ehlo = params.never_send_ehlo;
  hello.skip_5xx_greeting = params.skip_5xx_greeting;
  return hello;
}

/// From the connection to where a transaction may begin.
Task<std::optional<Failure>> Client::make_ready(Session& session, Hello hello, const Security& wanted,
                                                Attempt attempt) {
  TlsStep step{tls.get(), wanted.tls, params.tls.starttls_timeout, params.tls.note_offer};
  if (params.tls.wrapper_mode) {
    std::optional<Failure> failure = co_await secure_session(session, std::move(step));
    if (failure) co_return failure;
  }
  std::optional<Failure> failure = co_await greet(session, hello);
  if (failure) co_return failure;
  if (!params.tls.wrapper_mode && attempt == Attempt::as_configured) {
    failure = co_await start_tls(session, std::move(hello), std::move(step));
    if (failure) co_return failure;
  }
  if (!wanted.account) co_return std::nullopt;
  Authentication how{security.accounts, *wanted.account, params.sasl, mechanism_filter_, workers_, params.helo_timeout};
  co_return co_await authenticate(session, how);
}

Task<SessionOrFailure> Client::open_session(Peer peer, std::string nexthop, const Security& wanted, Attempt attempt) {
  Result<Fd> fd = co_await connect_socket(peer);
  if (!fd) co_return std::unexpected(not_connected(peer, reason_of(fd.error())));
  auto session = std::make_unique<Session>(std::move(*fd), std::move(peer));
  reply_filter_.refresh();
  if (!reply_filter_.empty()) session->reply_filter = &reply_filter_;
  session->security = wanted.mark;
  session->keep_tls = wanted.keep;
  Hello hello = hello_for(*session, std::move(nexthop));
  std::optional<Failure> failure = co_await make_ready(*session, std::move(hello), wanted, attempt);
  if (failure) {
    session->quit();
    co_return std::unexpected(std::move(*failure));
  }
  if (without_bdat.contains(session->peer().address)) session->forget(kChunking);
  co_return session;
}

Task<Result<std::string>> Client::outward(std::string address) {
  if (edit_rules.generic.empty()) co_return address;
  auto question = [this, &address] { return map_generic(edit_rules, address); };
  co_return co_await table::settle(std::move(question));
}

void Client::note_without_bdat(const Peer& peer) {
  constexpr size_t kRemembered = 1000;
  if (without_bdat.size() >= kRemembered) without_bdat.clear();
  without_bdat.insert(peer.address);
}

void Client::stop() {
  idle.close_all();
}

bool Client::may_keep(const Session& session, std::string_view nexthop) const {
  if (session.tls && !session.keep_tls) return false;
  if (session.dead || session.throttled || params.cache_time_limit <= Duration::zero()) return false;
  if (params.reuse_count_limit > 0 && session.uses >= static_cast<unsigned>(params.reuse_count_limit)) return false;
  if (monotonic_now() - session.opened() >= params.reuse_time_limit) return false;
  if (params.cache_on_demand) return true;
  return std::ranges::any_of(params.cache_destinations,
                             [nexthop](const std::string& d) { return iequals(d, nexthop); });
}

}  // namespace umaya::smtp_client
