#include "smtp-client/delivery.h"

#include <algorithm>

#include "libcommon/base/clock.h"
#include "libcommon/base/strings.h"
#include "libcommon/log/log.h"
#include "libcommon/message/address.h"

namespace umaya::smtp_client {

using event::Task;
namespace delivery = services::delivery;

namespace {

constexpr uint64_t kBdatLimit = 48 * 1024;  // a text that fits into one write together with the commands

bool is_loop(const Failure& failure) {
  return failure.dsn.ends_with(".4.6");
}

Failure from_error(const Error& error) {
  Failure failure;
  failure.dsn = error.dsn.empty() ? "4.3.0" : error.dsn;
  failure.text = error.what;
  failure.is_site = true;
  if (!error.is_permanent()) failure.soften();
  return failure;
}

}  // namespace

Delivery::Delivery(Client& client, const delivery::Request& request, int file)
    : client_(client),
      request_(request),
      file_(file, request_.content_offset, request_.content_size, client.scratch),
      handed_usec_(wall_usec()) {
  recipients_.resize(request_.targets.size());
  for (size_t i = 0; i < recipients_.size(); ++i) recipients_[i].target = &request_.targets[i];
}

Task<delivery::Reply> Delivery::run() {
  bool ready = co_await prepare();
  if (ready) co_await try_all();
  if (site_trouble_ && !pending().empty()) {
    reply_.destination_failed = true;
    reply_.destination_dsn = site_trouble_->dsn;
    reply_.destination_text = site_trouble_->text;
  }
  if (reply_.pass_to.empty()) {
    for (Progress* progress : pending()) finish_failed(*progress);
  }
  co_return std::move(reply_);
}

/// Puts the addresses into the form in which the world sees them.
Task<bool> Delivery::prepare() {
  client_.edit_rules.refresh();
  Result<std::string> sender = co_await client_.outward(request_.envelope.sender);
  std::optional<Failure> failure;
  if (!sender) {
    failure = from_error(sender.error());
  } else {
    sender_ = client_.params.quote_envelope ? message::to_external(*sender) : *sender;
  }
  for (Progress& progress : recipients_) {
    if (failure) break;
    Result<std::string> address = co_await client_.outward(progress.target->recipient.address);
    if (!address) {
      failure = from_error(address.error());
    } else {
      progress.address = client_.params.quote_envelope ? message::to_external(*address) : *address;
    }
  }
  if (!failure) co_return true;
  failure->is_site = false;
  fail_pending(*failure, {}, 0);
  co_return false;
}

Task<void> Delivery::try_all() {
  auto destinations = parse_destinations(request_.nexthop, client_.protocol, client_.params.tcp_port);
  if (!destinations) {
    log::warning("{}: {}", request_.envelope.queue_id, destinations.error().what);
    fail_pending(from_error(destinations.error()), {}, 0);
    co_return;
  }
  const size_t own = destinations->size();
  for (const std::string& relay : client_.params.fallback_relay) {
    auto more = parse_destinations(relay, client_.protocol, client_.params.tcp_port);
    if (more) std::ranges::move(*more, std::back_inserter(*destinations));
    if (!more) log::warning("{}: {}", "fallback relay", more.error().what);
  }
  for (size_t i = 0; i < destinations->size() && !pending().empty(); ++i) {
    Next next = co_await try_destination((*destinations)[i]);
    if (next == Next::stop) break;
    const bool is_fallback = i >= own;
    const bool is_relayhost = !is_fallback && request_.nexthop == client_.params.relayhost && !request_.nexthop.empty();
    if (!is_fallback && !is_relayhost) continue;
    for (Progress* progress : pending()) {
      if (!progress->failure || !progress->failure->is_permanent() || !progress->failure->is_site) continue;
      log::warning("{} configuration problem", is_fallback ? "fallback_relay" : "relayhost");
      progress->failure->soften();
    }
  }
}

/// The recipients that have no final result yet.
std::vector<Delivery::Progress*> Delivery::pending() {
  std::vector<Progress*> list;
  for (Progress& progress : recipients_) {
    if (!progress.done) list.push_back(&progress);
  }
  return list;
}

Task<Delivery::Next> Delivery::try_destination(Destination destination) {
  sessions_ = 0;
  answered_.clear();
  co_await try_idle(destination);
  if (pending().empty()) co_return Next::stop;
  std::vector<dns::MailHost> hosts;
  if (destination.kind != Destination::Kind::socket) {
    dns::MailRoute route = co_await client_.find_hosts(destination);
    if (!route) {
      Failure failure = from_error(route.error());
      if (is_loop(failure) && passes_to_best_mx()) co_return Next::stop;
      const bool hopeless = is_loop(failure) || failure.dsn == "5.1.0";  // a fallback relay would not help
      fail_pending(failure, {}, 0);
      co_return hopeless ? Next::stop : Next::go_on;
    }
    hosts = std::move(route->hosts);
  }
  std::vector<Peer> peers = peers_of(destination, std::move(hosts));
  co_return co_await try_hosts(std::move(peers), std::move(destination));
}

/// We are the best mail exchanger of a domain that is not ours: best_mx_transport says who takes it. The queue manager
/// hands it there; a transport that was handed it already bounces it, as without the parameter.
bool Delivery::passes_to_best_mx() {
  const std::string& to = client_.params.best_mx_transport;
  if (to.empty() || to.substr(0, to.find(':')) == request_.transport) return false;
  reply_.pass_to = to;
  return true;
}

std::vector<Peer> Delivery::peers_of(const Destination& destination, std::vector<dns::MailHost> hosts) const {
  std::vector<Peer> peers;
  if (destination.kind == Destination::Kind::socket) {
    Peer peer;
    peer.host = client_.params.myhostname;
    peer.address = destination.name;
    peers.push_back(std::move(peer));
  }
  for (dns::MailHost& host : hosts) {
    Peer peer;
    peer.host = std::move(host.name);
    peer.address = host.address.to_string();
    peer.port = destination.port;
    peer.endpoint = {host.address, destination.port};
    peer.is_best_mx = host.is_best;
    peers.push_back(std::move(peer));
  }
  return peers;
}

/// Connections that are open to this destination already.
Task<void> Delivery::try_idle(Destination destination) {
  while (!pending().empty()) {
    const Peer* peer = client_.idle.find(destination.text);
    if (!peer) co_return;
    SecurityOrFailure security = co_await client_.security.find(destination, peer->host, request_.envelope.sender);
    if (!security) co_return;
    std::unique_ptr<Session> session = client_.idle.take(destination.text, security->mark);
    if (!session) co_return;
    announce_reuse(*session, *security);
    Next next = co_await try_session(std::move(session), true, destination);
    if (next != Next::stale) co_return;
  }
}

/// One answer of a server is enough for one delivery: its connections are not asked again.
bool Delivery::has_answered(const net::Endpoint& server) const {
  return std::ranges::find(answered_, server) != answered_.end();
}

Task<Delivery::Next> Delivery::try_hosts(std::vector<Peer> peers, Destination destination) {
  for (size_t i = 0; i < peers.size(); ++i) {
    if (pending().empty()) co_return Next::stop;
    if (std::ranges::find(tried_, peers[i].endpoint) != tried_.end() && peers[i].port != 0) continue;
    if (client_.params.mx_session_limit > 0 && sessions_ >= client_.params.mx_session_limit) co_return Next::go_on;
    if (has_answered(peers[i].endpoint)) continue;
    announce_skipped();
    Next next = co_await try_host(peers[i], destination);
    if (next == Next::stop) co_return next;
  }
  co_return Next::go_on;
}

/// One server: a connection that is open to it already, else a new one.
Task<Delivery::Next> Delivery::try_host(Peer peer, Destination destination) {
  SecurityOrFailure security = co_await client_.security.find(destination, peer.host, request_.envelope.sender);
  if (!security) {
    const Peer nobody;
    fail_pending(security.error(), nobody, 0);
    co_return Next::go_on;
  }
  while (auto idle = client_.idle.take(peer.endpoint, security->mark)) {
    announce_reuse(*idle, *security);
    Next next = co_await try_session(std::move(idle), true, destination);
    if (next == Next::stop) co_return next;
    if (next != Next::stale) break;
  }
  if (has_answered(peer.endpoint)) co_return Next::go_on;
  SessionOrFailure session = co_await connect(peer, *security);
  if (session) co_return co_await try_session(std::move(*session), false, std::move(destination));
  const bool silent = session.error().dsn == "4.4.1";
  if (silent) {
    log::info("{}", session.error().text);
  } else {
    ++sessions_;
    skipped_.push_back(session.error().text);
  }
  fail_pending(session.error(), silent ? Peer{} : peer, 0);
  co_return Next::go_on;
}

/// A message that has waited a while, to where TLS is welcome but no must, and nobody has to log in.
bool Delivery::may_go_in_the_clear(const Security& security) const {
  const auto waited = std::chrono::microseconds(request_.active_usec - request_.envelope.arrival_usec);
  return security.tls.level == tls::ClientLevel::may && !security.account &&
         waited >= client_.params.tls.minimal_backoff;
}

Task<SessionOrFailure> Delivery::connect(Peer peer, const Security& security) {
  SessionOrFailure session = co_await client_.open_session(peer, request_.nexthop, security);
  if (session || !session.error().is_tls || !may_go_in_the_clear(security)) co_return session;
  log::info("{}: {}: trying {} in the clear", request_.envelope.queue_id, session.error().text, peer.relay());
  co_return co_await client_.open_session(std::move(peer), request_.nexthop, security, Attempt::in_the_clear);
}

/// Why the message cannot go to this server at all.
std::optional<Failure> Delivery::unfit(const Session& session) const {
  const Capabilities& can = session.can();
  Failure failure;
  if (can.size_limit > 0 && request_.content_size > can.size_limit) {
    failure.dsn = "5.3.4";
    failure.text = "message size " + std::to_string(request_.content_size) + " exceeds size limit " +
                   std::to_string(can.size_limit) + " of server " + session.peer().name_and_address();
    return failure;
  }
  if (needs_utf8_.value_or(false) && !can.has(kSmtpUtf8)) {
    failure.dsn = "5.6.7";
    failure.text = "SMTPUTF8 is required, but was not offered by host " + session.peer().name_and_address();
    return failure;
  }
  return std::nullopt;
}

/// Whether addresses or headers hold more than ASCII.
bool Delivery::needs_utf8() {
  if (!needs_utf8_) {
    bool found = !is_ascii(sender_);
    for (const Progress& p : recipients_) found = found || !is_ascii(p.address);
    if (!found && request_.envelope.smtputf8 && request_.content_8bit) {
      auto look = [&found](std::string_view piece) { found = !is_ascii(piece.substr(0, piece.find("\r\n\r\n"))); };
      Result<bool> read = file_.pump(look);
      found = found && read.has_value();
      file_.rewind();
    }
    needs_utf8_ = found;
  }
  return *needs_utf8_;
}

/// The text in the form that this server can take.
Content& Delivery::content_for(const Session& session) {
  const bool downgrade =
      request_.content_8bit && !session.can().has(kEightBitMime) && !client_.params.disable_mime_conversion;
  file_.rewind();
  if (!downgrade && !client_.edit_rules.any()) return file_;
  edited_ = std::make_unique<EditedContent>(file_, client_.edit_rules, downgrade ? Downgrade::yes : Downgrade::no);
  return *edited_;
}

Task<Delivery::Next> Delivery::try_session(std::unique_ptr<Session> session, bool was_idle, Destination destination) {
  ++session->uses;
  ++sessions_;
  connected_usec_ = wall_usec();
  needs_utf8();
  if (auto failure = unfit(*session)) {
    fail_pending(*failure, session->peer(), session->uses);
    session->quit();
    co_return Next::stop;
  }
  std::vector<Progress*> asked = pending();
  Job job{
      .protocol = client_.protocol, .envelope = request_.envelope, .sender = sender_, .content = content_for(*session)};
  for (Progress* progress : asked) {
    job.recipients.push_back(&progress->target->recipient);
    job.addresses.push_back(progress->address);
  }
  job.size = request_.content_size;
  job.eight_bit = request_.content_8bit;
  job.line_limit = static_cast<size_t>(client_.params.line_length_limit);
  job.xforward = client_.params.send_xforward;
  job.bdat_limit = kBdatLimit;
  job.dummy_auth = session->authenticated && client_.params.sasl.dummy_mail_auth;
  job.probe = (request_.flags & delivery::kVerifyOnly) != 0;
  job.timeouts = client_.timeouts();
  Transaction transaction(*session, job);
  co_await transaction.run();
  if (transaction.bdat_refused()) client_.note_without_bdat(session->peer());
  if (was_idle && transaction.broken() && !transaction.was_answered()) {
    --sessions_;
    co_return Next::stale;
  }
  answered_.push_back(session->peer().endpoint);
  tried_.push_back(session->peer().endpoint);
  absorb(transaction, asked, *session);
  if (!session->dead && !job.probe && client_.may_keep(*session, destination.text)) {
    client_.idle.put(destination.text, std::move(session));
  } else {
    session->quit();
  }
  co_return pending().empty() ? Next::stop : Next::go_on;
}

/// Takes over what a transaction has brought for each recipient.
void Delivery::absorb(const Transaction& transaction, const std::vector<Progress*>& asked, const Session& session) {
  const std::vector<Outcome>& outcomes = transaction.outcomes();
  skipped_.clear();
  for (size_t i = 0; i < asked.size(); ++i) {
    Progress& progress = *asked[i];
    progress.peer = session.peer();
    progress.conn_use = session.uses;
    if (outcomes[i].kind == Outcome::Kind::sent) {
      finish_sent(progress, outcomes[i], session);
      continue;
    }
    if (outcomes[i].kind == Outcome::Kind::failed) {
      progress.failure = outcomes[i].failure;
    } else if (transaction.broken()) {
      progress.failure = *transaction.broken();
    }
    if (!progress.failure) continue;
    if (std::ranges::find(skipped_, progress.failure->text) == skipped_.end())
      skipped_.push_back(progress.failure->text);
    if (progress.failure->is_permanent() && !client_.params.soft_bounce) finish_failed(progress);
  }
  site_trouble_.reset();
  if (transaction.broken() && transaction.broken()->is_site) site_trouble_ = transaction.broken();
}

/// The same reason for all that have no result yet. A permanent one that a server gave is final.
void Delivery::fail_pending(const Failure& failure, const Peer& peer, unsigned conn_use) {
  site_trouble_.reset();
  if (failure.is_site) site_trouble_ = failure;
  const bool server_said_so = !peer.host.empty();
  for (Progress* progress : pending()) {
    progress->failure = failure;
    progress->peer = peer;
    progress->conn_use = conn_use;
    if (server_said_so && failure.is_permanent() && !client_.params.soft_bounce) finish_failed(*progress);
  }
}

void Delivery::announce_reuse(const Session& session, const Security& security) const {
  if (!session.tls) return;
  tls::ClientRequest request = security.tls;
  request.peer = session.peer().relay();
  tls::Client::log_summary(session.tls->info, request, true);
}

/// Says in the log why the last server was not the end of it.
void Delivery::announce_skipped() {
  for (const std::string& text : skipped_) log::info("{}: {}", request_.envelope.queue_id, text);
  skipped_.clear();
}

void Delivery::finish_sent(Progress& progress, const Outcome& outcome, const Session& session) {
  progress.done = true;
  delivery::RecipientResult result;
  result.id = progress.target->id;
  result.status = delivery::Status::sent;
  const bool final = client_.protocol == Protocol::lmtp || client_.params.assume_final;
  result.action = final                     ? delivery::Action::delivered
                  : session.can().has(kDsn) ? delivery::Action::passed_on
                                            : delivery::Action::relayed;
  result.dsn = outcome.dsn;
  result.text = outcome.text;
  result.diagnostic_type = "smtp";
  result.diagnostic = outcome.text;
  result.remote_mta_type = "dns";
  result.remote_mta = session.peer().host;
  const bool probe = (request_.flags & delivery::kVerifyOnly) != 0;
  client_.status_filter.apply(result);
  log_status(progress, result, probe ? "deliverable" : "sent");
  reply_.results.push_back(std::move(result));
}

void Delivery::finish_failed(Progress& progress) {
  progress.done = true;
  Failure failure = progress.failure.value_or(Failure{});
  if (failure.dsn.empty()) {
    failure.dsn = "4.3.0";
    failure.text = "server unavailable or unable to receive mail";
  }
  delivery::RecipientResult result;
  result.id = progress.target->id;
  const bool permanent = failure.is_permanent();
  std::string_view status = permanent ? "bounced" : "deferred";
  if (permanent && client_.params.soft_bounce) {
    failure.soften();
    status = "SOFTBOUNCE";
  }
  if ((request_.flags & delivery::kVerifyOnly) != 0) status = "undeliverable";
  result.status = failure.is_permanent() ? delivery::Status::bounced : delivery::Status::deferred;
  result.dsn = failure.dsn;
  result.text = failure.text;
  if (!failure.diagnostic.empty()) result.diagnostic_type = "smtp";
  result.diagnostic = failure.diagnostic;
  if (!progress.peer.host.empty()) result.remote_mta_type = "dns";
  result.remote_mta = progress.peer.host;
  client_.status_filter.apply(result);
  log_status(progress, result, status);
  reply_.results.push_back(std::move(result));
}

void Delivery::log_status(const Progress& progress, const delivery::RecipientResult& result, std::string_view status) {
  const std::string relay = progress.peer.host.empty() ? "none" : progress.peer.relay();
  delivery::StatusLine line;
  line.relay = relay;
  line.conn_use = progress.conn_use;
  line.stages = {.arrival = request_.envelope.arrival_usec,
                 .active = request_.active_usec,
                 .handed = handed_usec_,
                 .connected = connected_usec_,
                 .done = wall_usec()};
  line.dsn = result.dsn;
  line.status = status;
  line.text = result.text;
  log::info("{}", delivery::format_status(request_.envelope.queue_id, progress.target->recipient, line,
                                          static_cast<int>(client_.params.delay_resolution)));
}

}  // namespace umaya::smtp_client
