#include "smtpd/service.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <unistd.h>

#include <thread>

#include "libcommon/base/strings.h"
#include "libcommon/log/log.h"
#include "libcommon/net/proxy_header.h"
#include "libcommon/services/flush.h"
#include "smtpd/policy_service.h"
#include "smtpd/reject_footer.h"

namespace umaya::smtpd {

using event::Task;
namespace cleanup = services::cleanup;

/// Under stress, sessions that have idled for too long are looked for this often.
static constexpr Duration kHurryEvery = std::chrono::seconds(1);

Service::~Service() = default;

Result<std::unique_ptr<Service>> Service::create(daemon::Process& process, Protocol protocol) {
  std::unique_ptr<Service> service(new Service(protocol));
  UMAYA_CHECK(service->load(process));
  return service;
}

/// With LMTP nothing is restricted, rewritten, logged in to or told to postmaster.
static void leave_out_smtp(Params& params) {
  params.reject_over_quota = false;  // every recipient is asked about already
  for (std::string* list :
       {&params.client_restrictions, &params.helo_restrictions, &params.sender_restrictions, &params.relay_restrictions,
        &params.recipient_restrictions, &params.data_restrictions, &params.end_of_data_restrictions,
        &params.etrn_restrictions, &params.sender_login_maps, &params.proxy_filter, &params.relay_clientcerts,
        &params.local_header_rewrite_clients, &params.command_filter}) {
    list->clear();
  }
  params.notify_classes.clear();
  params.pop_before_smtp = false;
}

Result<void> Service::load(daemon::Process& process) {
  process_ = &process;
  const config::Config& config = process.config();
  UMAYA_CHECK(config::bind(config, kBindings, params_));
  if (protocol_ == Protocol::lmtp) leave_out_smtp(params_);
  table_options_ = table::options_from(config);
  for (const auto& own : config.own_addresses()) {
    if (auto address = net::IpAddress::parse(own.text())) own_addresses_.push_back(*address);
  }
  UMAYA_TRY(resolver_, dns::StubResolver::open({}));
  UMAYA_TRY(router_, route::Router::open(config));
  addresses_ = std::make_unique<RoutePolicy>(*router_);
  CompilerOptions compiler;
  compiler.open_maps = [this](const std::string& name) {
    return std::make_shared<table::Maps>(table::Maps::open(table_options_, name, name));
  };
  PolicySettings policy;
  UMAYA_CHECK(config::bind(config, kPolicyBindings, policy));
  compiler.open_policy = [policy, &process](std::string_view argument) {
    return PolicyService::parse(argument, policy, process.queue_path(""));
  };
  compiler.class_list = [this, &config](std::string_view name) -> std::optional<std::string> {
    for (const std::string& known : params_.restriction_classes) {
      if (known == name) return config.get(name);
    }
    return {};
  };
  if (!params_.relay_clientcerts.empty()) {
    client_certificates_ = table::Maps::open(table_options_, "relay_clientcerts", params_.relay_clientcerts);
  }
  if (!params_.sender_login_maps.empty()) {
    sender_logins_ = std::make_unique<table::Maps>(
        table::Maps::open(table_options_, "smtpd_sender_login_maps", params_.sender_login_maps));
  }
  if (params_.pop_before_smtp) {
    recent_logins_ = std::make_unique<services::RecentLogins>(process.queue_path(services::anvil::kSocket));
  }
  room_ = std::make_unique<AgentRoom>(config, process.queue_path(""), params_.over_quota_timeout);
  params_.reject_over_quota = params_.reject_over_quota && AgentRoom::is_wanted(config);
  policy_ = std::make_unique<Policy>(
      Policy::Parts{.params = params_,
                    .addresses = *addresses_,
                    .resolver = *resolver_,
                    .access_style = router_->parent_style("smtpd_access_maps"),
                    .address_rules = router_->address_rules(),
                    .client_certificates = client_certificates_.empty() ? nullptr : &client_certificates_,
                    .compiler = std::move(compiler),
                    .sender_logins = sender_logins_.get(),
                    .recent_logins = recent_logins_.get(),
                    .room = room_.get()});
  for (const std::string& line : policy_->complaints()) log::warning("{}", line);
  return make_shared();
}

/// The cleanup options that receive_override_options leaves on.
static uint32_t submission_options(Params& params) {
  uint32_t options = cleanup::kMapAddresses | cleanup::kCheckContent;
  for (std::string_view word : split_list(params.receive_override_options)) {
    if (iequals(word, "no_address_mappings")) options &= ~cleanup::kMapAddresses;
    if (iequals(word, "no_header_body_checks")) options &= ~cleanup::kCheckContent;
    if (iequals(word, "no_unknown_recipient_checks")) params.reject_unlisted_recipient = false;
  }
  return options;
}

Result<void> Service::make_shared() {
  daemon::Process& process = *process_;
  auto clients = [&](std::string_view title, const std::string& list) {
    return table::MatchList::parse(table_options_, std::string(title), list, table::MatchKind::client,
                                   router_->parent_style(title));
  };
  mynetworks_ = clients("mynetworks", params_.mynetworks);
  limit_exceptions_ = clients("smtpd_client_event_limit_exceptions", params_.event_limit_exceptions);
  cleanup_ = std::make_unique<ipc::ChannelPool>(process.queue_path(cleanup::kSocket), 64);
  flush_ = std::make_unique<ipc::ChannelPool>(process.queue_path(services::flush::kSocket), 1);
  counts_ = std::make_unique<ClientCounts>(process.queue_path(services::anvil::kSocket), process.service());
  shared_.reset(new Shared{
      .params = params_,
      .policy = *policy_,
      .cleanup = *cleanup_,
      .flush = *flush_,
      .counts = *counts_,
      .forbidden_commands = table::MatchList::parse(table_options_, "smtpd_forbidden_commands",
                                                    params_.forbidden_commands, table::MatchKind::exact),
      .bare_newline_exempt = clients("smtpd_forbid_bare_newline_exclusions", params_.bare_newline_exclusions),
      .submission_options = submission_options(params_)});
  if (params_.tls_wrappermode || !params_.upstream_proxy.empty()) process.set_client_speaks_first();
  shared_->xclient_hosts = clients("smtpd_authorized_xclient_hosts", params_.xclient_hosts);
  shared_->verp_clients = clients("smtpd_authorized_verp_clients", params_.verp_clients);
  shared_->xforward_hosts = clients("smtpd_authorized_xforward_hosts", params_.xforward_hosts);
  shared_->classify = [this](Client& client) { classify(client); };
  seats_ = std::make_unique<Seats>(process.session_limit());
  // A stress=yes in master.cf holds for good; master itself leaves the decision to us (Seats).
  Stress always = process.config().get("stress").empty() ? Stress::no : Stress::yes;
  UMAYA_TRY(shared_->at_ease, patience_under(process.config(), always));
  UMAYA_TRY(shared_->under_stress, patience_under(process.config(), Stress::yes));
  read_rewrite_clients();
  read_reply_settings();
  if (protocol_ == Protocol::lmtp) return read_lmtp();
  look_at_space();
  UMAYA_CHECK(read_logins());
  return read_filter();
}

Task<void> Service::warm_up() {
  (void)co_await tls_->ready();
}

Result<void> Service::start_tls() {
  const config::Config& config = process_->config();
  UMAYA_TRY(tls::Level level, tls::server_level(config, "smtpd"));
  shared_->tls_wrapped = params_.tls_wrappermode;
  shared_->tls_level = level;
  if (level == tls::Level::none && !params_.tls_wrappermode) return {};
  bool enforce = level == tls::Level::encrypt || params_.tls_wrappermode;
  UMAYA_TRY(tls::ServerSettings settings, tls::server_settings(config, "smtpd", enforce));
  std::string socket = process_->queue_path("private/" + config.get("tlsmgr_service_name"));
  UMAYA_TRY(tls_, tls::Server::open(settings, std::move(socket), process_->service(), {"smtp"}));
  shared_->tls = tls_.get();
  process_->scope().spawn(warm_up());
  return {};
}

/// A log-in service that cannot be had is said aloud, and mail for our domains is taken all the same.
Result<void> Service::read_logins() {
  LoginSettings settings;
  UMAYA_CHECK(config::bind(process_->config(), kLoginBindings, settings));
  if (!settings.enable) return {};
  auto server = LoginServer::create(std::move(settings), process_->config().get("queue_directory"), table_options_,
                                    router_->parent_style("smtpd_sasl_exceptions_networks"));
  if (!server) {
    log::error("nobody can log in: {}", server.error().what);
    return {};
  }
  logins_ = std::move(*server);
  shared_->logins = logins_.get();
  return {};
}

void Service::look_at_space() {
  std::string queue = process_->queue_path("");
  space_ = std::make_unique<fs::FreeSpace>(queue);
  shared_->space = space_.get();
  if (!space_->bytes()) log::warning("{}: its free space is unknown, and not looked at", queue);
}

Result<void> Service::read_lmtp() {
  LmtpParams lmtp;
  UMAYA_CHECK(config::bind(process_->config(), kLmtpBindings, lmtp));
  params_.banner = lmtp.banner;
  mailboxes_ =
      std::make_unique<Mailboxes>(Mailboxes::Parts{.addresses = *addresses_,
                                                   .params = std::move(lmtp),
                                                   .queue_directory = process_->config().get("queue_directory"),
                                                   .recipient_delimiter = params_.recipient_delimiter,
                                                   .soft_bounce = params_.soft_bounce});
  shared_->mailboxes = mailboxes_.get();
  return {};
}

Result<void> Service::read_filter() {
  if (params_.proxy_filter.empty()) return {};
  auto server = FilterServer::parse(params_.proxy_filter, process_->queue_path(""));
  if (!server) return permanent("smtpd_proxy_filter: " + server.error().what);
  filter_.reset(new Filter{.server = std::move(*server),
                           .resolver = *resolver_,
                           .ehlo = params_.proxy_ehlo,
                           .timeout = params_.proxy_timeout,
                           .speed_adjust = params_.proxy_speed_adjust,
                           .soft_bounce = params_.soft_bounce});
  shared_->filter = filter_.get();
  return {};
}

/// Less patience while only the kept seats are free; also with sessions that began before.
void Service::note_load() {
  bool stress = seats_->under_stress();
  if (stress == std::exchange(shared_->overloaded, stress)) return;
  log::info("{}", stress ? "nearly all sessions are in use: entering stress mode" : "leaving stress mode");
  if (!hurry_) hurry_.emplace([this] { hurry_sessions(); });
  if (stress) {
    hurry_->arm(kHurryEvery);
  } else {
    hurry_->cancel();
  }
}

void Service::hurry_sessions() {
  TimePoint now = monotonic_now();
  for (Session* session : sessions_) session->hurry(now);
  if (shared_->overloaded) hurry_->arm(kHurryEvery);
}

void Service::read_rewrite_clients() {
  auto words = split_list(params_.local_header_rewrite_clients);
  for (size_t i = 0; i < words.size(); ++i) {
    if (words[i] == "permit_inet_interfaces") {
      shared_->rewrite_for_interfaces = true;
    } else if (words[i] == "permit_mynetworks") {
      shared_->rewrite_for_trusted = true;
    } else if (words[i] == "permit_sasl_authenticated") {
      shared_->rewrite_for_logins = true;
    } else if (words[i].find(':') != std::string_view::npos ||
               (words[i] == "check_address_map" && i + 1 < words.size())) {
      std::string name(words[i] == "check_address_map" ? words[++i] : words[i]);
      shared_->rewrite_clients =
          std::make_shared<table::Maps>(table::Maps::open(table_options_, "local_header_rewrite_clients", name));
    }
  }
}

void Service::read_reply_settings() {
  shared_->notify = notify_mask(params_.notify_classes);
  if (!params_.command_filter.empty()) {
    command_filter_ = table::Maps::open(table_options_, "smtpd_command_filter", params_.command_filter);
    shared_->command_filter = &command_filter_;
  }
  if (!params_.reject_footer_maps.empty()) {
    footer_maps_ = table::Maps::open(table_options_, "smtpd_reject_footer_maps", params_.reject_footer_maps);
    shared_->footer_maps = &footer_maps_;
  }
  auto footer = with_footer("", params_.reject_footer, {});
  if (footer) return;
  log::warning("smtpd_reject_footer is not used: {}", footer.error().what);
  params_.reject_footer.clear();
}

bool Service::own_address(const net::IpAddress& address) const {
  for (const net::IpAddress& own : own_addresses_) {
    if (own == address) return true;
  }
  return false;
}

static NameStatus status_of(dns::Status status) {
  if (status == dns::Status::found) return NameStatus::ok;
  return dns::is_definite(status) ? NameStatus::absent : NameStatus::temporary;
}

static Client client_at(const std::optional<net::Endpoint>& endpoint) {
  Client client;
  if (endpoint) {
    client.address = endpoint->address.unmapped();
    client.port = endpoint->port;
  } else {
    client.local_socket = true;
    client.address = *net::IpAddress::parse("127.0.0.1");  // a Unix socket, or a tube
    client.name = client.reverse_name = "localhost";
    client.name_status = client.reverse_status = NameStatus::ok;
  }
  client.address_text = client.address.to_string();
  client.rfc_address = client.address.is_v6() ? "IPv6:" + client.address_text : client.address_text;
  return client;
}

static std::optional<net::Endpoint> endpoint_of(const event::PeerAddress& peer) {
  return net::Endpoint::from_sockaddr(reinterpret_cast<const sockaddr*>(&peer.storage));
}

Task<Client> Service::identify(Client client) {
  if (client.name == "unknown" && params_.peername_lookup) {
    dns::PeerName peer_name = co_await dns::peer_name(*resolver_, client.address);
    if (!peer_name.warning.empty()) log::warning("{}", peer_name.warning);
    client.name = std::move(peer_name.name);
    client.reverse_name = std::move(peer_name.reverse_name);
    client.name_status = status_of(peer_name.name_status);
    client.reverse_status = status_of(peer_name.reverse_status);
    bool forged = client.name_status == NameStatus::absent && client.reverse_status == NameStatus::ok;
    if (forged) client.name_status = NameStatus::forged;
  }
  classify(client);
  co_return client;
}

void Service::classify(Client& client) {
  client.trusted = mynetworks_.matches_client(client.name, client.address_text) == table::Match::yes;
  client.own_interface = own_address(client.address);
  client.limits_exempt = limit_exceptions_.matches_client(client.name, client.address_text) == table::Match::yes ||
                         (protocol_ == Protocol::lmtp && client.local_socket);
  client.label = fmt::format("{}[{}]", client.name, client.address_text);
  if (params_.client_port_logging) client.label += fmt::format(":{}", client.port);
}

/// Reads who connected to the load balancer into `from`; false when it does not say so in time and in form.
Task<bool> Service::read_proxy_header(event::Stream& stream, std::optional<net::Endpoint>& from) {
  std::string balancer = from ? from->to_string() : "a local socket";
  stream.set_deadline(monotonic_now() + params_.upstream_proxy_timeout);
  std::string bytes;
  net::ProxyHeader header;
  while (header.status == net::ProxyHeader::Status::incomplete) {
    event::Read block = co_await stream.read_some();
    if (!block) {
      bool late = block.status == event::ReadStatus::timed_out;
      log::warning("proxy header from {}: {}", balancer, late ? "timeout" : "lost connection");
      co_return false;
    }
    size_t before = bytes.size();
    bytes.append(block.data);
    header = net::parse_proxy_header(bytes);
    if (header.status == net::ProxyHeader::Status::complete) stream.unread(before + block.data.size() - header.size);
  }
  stream.set_deadline(TimePoint::max());
  if (header.status == net::ProxyHeader::Status::invalid) {
    log::warning("proxy header from {}: {}", balancer, header.error);
    co_return false;
  }
  if (header.client) from = header.client;
  co_return true;
}

Task<void> Service::serve(Fd fd, event::PeerAddress peer) {
  policy_->refresh();
  mynetworks_.refresh();
  limit_exceptions_.refresh();
  client_certificates_.refresh();
  if (logins_) logins_->refresh();
  if (shared_->command_filter) command_filter_.refresh();
  if (shared_->footer_maps) footer_maps_.refresh();
  event::Stream stream(std::move(fd));
  std::optional<net::Endpoint> from = endpoint_of(peer);
  if (!params_.upstream_proxy.empty()) {
    bool told = co_await read_proxy_header(stream, from);
    if (!told) co_return;
  }
  Client client = client_at(from);
  std::string key = seat_key(client);
  // Before anything that takes time: not even the look-up of a name is done for somebody who has had his share.
  classify(client);
  if (!seats_->take(key, client.limits_exempt ? Seats::Claim::exempt : Seats::Claim::ordinary)) {
    log::warning("Connection concurrency limit exceeded: the last sessions are kept for others than {}", client.label);
    stream.write(
        fmt::format("421 4.7.0 {} Error: too many connections from {}\r\n", params_.myhostname, client.address_text));
    stream.flush_now();
    co_return;
  }
  note_load();
  co_await converse(stream, std::move(client));
  seats_->give_back(key);
  note_load();
}

Task<void> Service::converse(event::Stream& stream, Client client) {
  client = co_await identify(std::move(client));
  Session session(*shared_, stream, std::move(client), Mode::network);
  sessions_.insert(&session);
  co_await session.run();
  sessions_.erase(&session);
}

std::string Service::seat_key(const Client& client) const {
  return client_key(client.address, static_cast<int>(params_.client_ipv4_prefix),
                    static_cast<int>(params_.client_ipv6_prefix));
}

void Service::stop() {
  shared_->stopping = true;
  for (Session* session : sessions_) session->say_goodbye();
}

/// Moves bytes between a blocking descriptor and our socket, until one of them ends.
static void pump(int from, int to) {
  char block[16 * 1024];
  while (true) {
    ssize_t n = ::read(from, block, sizeof block);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return;
    for (ssize_t done = 0; done < n;) {
      ssize_t written = ::write(to, block + done, static_cast<size_t>(n - done));
      if (written < 0 && errno == EINTR) continue;
      if (written <= 0) return;
      done += written;
    }
  }
}

Task<int> Service::stand_alone() {
  // Standard input may be a file, which no event loop can wait for: two threads carry the bytes.
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) co_return 75;
  Fd outer(ends[1]);
  int theirs = outer.get();
  std::thread input([theirs] {
    pump(STDIN_FILENO, theirs);
    ::shutdown(theirs, SHUT_WR);
  });
  std::thread output([theirs] { pump(theirs, STDOUT_FILENO); });
  {
    event::Stream stream{Fd(ends[0])};
    Client client = co_await identify(client_at({}));
    Session session(*shared_, stream, std::move(client), Mode::stand_alone);
    co_await session.run();
  }
  output.join();
  input.detach();  // it may wait for a terminal; the process ends now
  (void)outer.release();
  co_return 0;
}

}  // namespace umaya::smtpd
