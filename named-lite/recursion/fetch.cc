#include "named-lite/recursion/fetch.h"

#include <algorithm>

#include "libcommon/base/random.h"
#include "named-lite/answer/answer.h"
#include "named-lite/dns/types.h"
#include "named-lite/recursion/guard.h"
#include "named-lite/recursion/hints.h"

namespace umaya::named {

namespace {

constexpr size_t kMostMinimised = 10;  // RFC 9156 2.3
constexpr size_t kOneLabelSteps = 4;
constexpr std::chrono::seconds kHintsAgain{60};

/// The end of a name that has this many labels.
std::string_view last_labels(std::string_view name, size_t labels) {
  for (size_t count = label_count(name); count > labels; --count) name = parent_of(name);
  return name;
}

}  // namespace

Fetch::Fetch(Recursor& recursor, Flight& flight, WorkPtr work, int depth)
    : recursor_(recursor),
      flight_(flight),
      work_(std::move(work)),
      depth_(depth),
      route_(&recursor.routes_[flight.key.view].find(flight.key.name)),
      queries_left_(recursor.settings_.limits.queries_per_fetch) {}

/// Does it ask which servers the root, or a stub zone, has?
bool Fetch::is_priming() const {
  if (flight_.key.type != type::kNs) return false;
  bool of_stub = route_->kind == RouteKind::stub && !route_->stub->is_static && flight_.key.name == route_->zone;
  return of_stub || flight_.key.name.size() == 1;
}

event::Task<FetchResult> Fetch::run() {
  const std::string& name = flight_.key.name;
  Delegation base;
  const ServedZone* own = recursor_.own_zone(flight_.key.view, name, flight_.key.type);
  if (own != nullptr && own->name.size() >= route_->zone.size()) {
    std::optional<FetchResult> here = from_own_zone(*own, base);
    if (here) co_return std::move(*here);
  } else if (route_->kind == RouteKind::special) {
    FetchResult special;
    special.steps.push_back({name, flight_.key.type, special_answer(route_->zone, name, flight_.key.type)});
    special.outcome = special.steps.front().entry.outcome;
    co_return special;
  }
  if (route_->kind == RouteKind::forward && !route_->forward->servers.empty()) {
    Delegation forwarders{route_->zone};
    forwarders.servers.push_back({{}, route_->forward->servers});
    forwarders.fixed = true;
    Ask ask{route_->zone, name, flight_.key.type, true};
    Meaning meaning = co_await ask_zone(forwarders, ask);
    bool answered = meaning.says <= Says::no_name || meaning.says == Says::overflow;
    if (answered || route_->forward->mode == ForwardMode::only) co_return finish(std::move(meaning));
  }
  if (route_->kind == RouteKind::stub && route_->zone.size() > base.zone.size()) base = co_await stub();
  co_return co_await below(std::move(base));
}

/// What a zone of ours says; nothing when the name is below a cut, which is then where to go on.
std::optional<FetchResult> Fetch::from_own_zone(const ServedZone& zone, Delegation& cut) {
  // Who asks is not known here, and an alias of somebody else may lead to any zone.
  if (!recursor_.is_for_all(flight_.key.view, zone)) {
    FetchResult refused = failed(rcode::kRefused);
    refused.keep_failure = false;
    refused.of_own_zone = true;
    return refused;
  }
  UpstreamQuestion question{0, flight_.key.name, flight_.key.type};
  question.dnssec_ok = settings().want_dnssec;
  std::string packet = write_question(question);
  std::string out(kMostAnswer, '\0');
  AnswerContext context;
  context.catalog = recursor_.catalog(flight_.key.view);
  context.transport = Transport::tcp;
  context.one_zone = true;
  out.resize(answer_packet(packet, context, out));
  std::optional<Reply> reply = parse_reply(out);
  if (!reply) return failed(rcode::kServFail);
  Ask ask{zone.name, flight_.key.name, flight_.key.type};
  Meaning meaning = meaning_of(*reply, ask);
  if (meaning.says != Says::referral) {
    FetchResult result;
    result.steps = std::move(meaning.steps);
    result.next = std::move(meaning.next);
    result.outcome = result.steps.empty() ? Outcome::failed : result.steps.back().entry.outcome;
    result.rcode = meaning.says == Says::overflow ? rcode::kYxDomain : rcode::kServFail;
    result.keep_failure = false;
    result.of_own_zone = true;
    return result;
  }
  cut = std::move(meaning.referral);
  cut.fixed = true;
  return std::nullopt;
}

/// From the nearest delegation that is known, `base` (of the configuration) being one.
event::Task<FetchResult> Fetch::below(Delegation base) {
  const std::string& name = flight_.key.name;
  // DS is asked of the parent (RFC 4035 3.1.4.1).
  std::string_view from = flight_.key.type == type::kDs && name.size() > 1 ? parent_of(name) : std::string_view(name);
  if (!is_priming()) {
    std::optional<Delegation> nearest = recursor_.delegations_.nearest(flight_.key.view, from, recursor_.now());
    if (nearest && nearest->zone.size() > std::max<size_t>(base.zone.size(), 1)) base = std::move(*nearest);
  }
  if (base.zone.empty()) base = co_await root();
  co_return co_await iterate(std::move(base));
}

/// The servers of a zone as those that are known from the configuration say (RFC 8109, of the root); asked for when
/// they are not known.
event::Task<Delegation> Fetch::primed(std::string_view zone, const Delegation& from) {
  uint16_t view = flight_.key.view;
  if (is_priming()) co_return from;
  std::string name(zone);
  std::optional<Delegation> known = recursor_.delegations_.nearest(view, name, recursor_.now());
  if (known && known->zone == name) co_return std::move(*known);
  FetchKey key{view, type::kNs, name};
  co_await recursor_.join(std::move(key), recursor_.new_work(), depth_, &flight_);
  known = recursor_.delegations_.nearest(view, name, recursor_.now());
  if (known && known->zone == name) co_return std::move(*known);
  Delegation again = from;
  again.fixed = false;
  again.expires = recursor_.now() + kHintsAgain;
  recursor_.delegations_.put(view, again, recursor_.now());
  co_return from;
}

event::Task<Delegation> Fetch::root() {
  const Delegation& hints = recursor_.hints_[flight_.key.view];
  co_return co_await primed(hints.zone, hints);
}

Delegation Fetch::stub_servers() const {
  const StubZone& conf = *route_->stub;
  Delegation servers{conf.zone};
  if (!conf.servers.empty()) servers.servers.push_back({{}, conf.servers});
  for (const std::string& name : conf.names) servers.servers.push_back({name});
  servers.fixed = true;
  return servers;
}

event::Task<Delegation> Fetch::stub() {
  Delegation servers = stub_servers();
  if (route_->stub->is_static) co_return servers;
  Delegation named = co_await primed(route_->zone, servers);
  bool usable = std::any_of(named.servers.begin(), named.servers.end(), [&](const NameServer& server) {
    return server.addresses.empty() ? !is_at_or_below(server.name, named.zone)
                                    : acceptable(server.addresses.front().address, false);
  });
  co_return usable ? named : servers;
}

bool Fetch::show_more(std::string_view zone, std::string& name) {
  const std::string& whole = flight_.key.name;
  size_t total = label_count(whole);
  shown_ = std::max(shown_, label_count(zone));
  size_t left = total - shown_;
  if (settings().minimise == Minimise::off || show_all_ || minimised_ >= kMostMinimised) left = 0;
  size_t step = minimised_ < kOneLabelSteps ? 1 : std::max<size_t>(1, left / (kMostMinimised - minimised_));
  if (left <= step) {
    name = whole;
    return true;
  }
  shown_ += step;
  ++minimised_;
  name = last_labels(whole, shown_);
  return false;
}

event::Task<FetchResult> Fetch::iterate(Delegation at) {
  for (int i = 0; i < settings().limits.referrals; ++i) {
    std::string name;
    bool whole = show_more(at.zone, name);
    Ask ask{at.zone, name, whole ? flight_.key.type : type::kA};
    Meaning meaning = co_await ask_zone(at, ask);
    if (meaning.says == Says::referral) {
      Delegation next = bounded(meaning, at);
      recursor_.delegations_.put(flight_.key.view, next, recursor_.now());
      at = std::move(next);
      show_all_ = false;
      continue;
    }
    if (whole) co_return finish(std::move(meaning));
    bool exists = meaning.says == Says::answer || meaning.says == Says::no_data;
    if (exists) continue;
    bool strict = settings().minimise == Minimise::strict && meaning.says != Says::alias;
    if (strict && meaning.says == Says::no_name) co_return nothing_below(std::move(meaning));
    if (strict) co_return finish(std::move(meaning));
    show_all_ = true;
  }
  co_return failed(rcode::kServFail);
}

/// The name does not exist, because one above it does not.
FetchResult Fetch::nothing_below(Meaning meaning) {
  Step here = meaning.steps.back();
  here.name = flight_.key.name;
  FetchResult result = finish(std::move(meaning));
  if (result.outcome != Outcome::no_name) return result;
  recursor_.cache_.put(flight_.key.view, here.name, here.type, here.entry, recursor_.now());
  result.steps.assign(1, std::move(here));
  return result;
}

/// A delegation lives no longer than the one that it came by.
Delegation Fetch::bounded(const Meaning& meaning, const Delegation& parent) const {
  Delegation next = meaning.referral;
  next.expires = recursor_.now() + std::chrono::seconds(meaning.referral_ttl);
  bool parent_ends = !parent.fixed && parent.zone.size() > 1;
  if (parent_ends) next.expires = std::min(next.expires, parent.expires);
  for (NameServer& server : next.servers) {
    for (net::Endpoint& address : server.addresses) address.port = settings().port;
  }
  return next;
}

/// A root that names its servers without addresses: those of the hints are kept. False when there are none for any.
bool Fetch::keep_hinted_addresses(Delegation& learned) const {
  bool any = false;
  for (NameServer& server : learned.servers) {
    for (const NameServer& hinted : recursor_.hints_[flight_.key.view].servers) {
      if (server.addresses.empty() && hinted.name == server.name) server.addresses = hinted.addresses;
    }
    any |= !server.addresses.empty();
  }
  return any;
}

FetchResult Fetch::failed(uint16_t rcode) const {
  FetchResult result;
  result.rcode = rcode;
  result.error = error_;
  result.keep_failure = !quota_;
  result.drop = quota_ && drop_;
  return result;
}

FetchResult Fetch::finish(Meaning meaning) {
  if (meaning.says == Says::overflow) {
    FetchResult result = failed(rcode::kYxDomain);
    result.steps = std::move(meaning.steps);
    return result;
  }
  bool usable = meaning.says == Says::answer || meaning.says == Says::alias || meaning.says == Says::no_data ||
                meaning.says == Says::no_name;
  if (!usable || meaning.steps.empty()) return failed(rcode::kServFail);
  const ViewRecursion& view = settings().views[flight_.key.view];
  if (!is_permitted(view, meaning.steps)) {
    ++recursor_.counters_.blocked;
    error_ = extended_error::kBlocked;
    return failed(rcode::kServFail);
  }
  TimePoint now = recursor_.now();
  for (const Step& step : meaning.steps) recursor_.cache_.put(flight_.key.view, step.name, step.type, step.entry, now);
  if (is_priming() && !meaning.referral.servers.empty()) {
    Delegation learned = bounded(meaning, recursor_.hints_[flight_.key.view]);
    bool reachable = learned.zone.size() > 1 || keep_hinted_addresses(learned);
    if (reachable) recursor_.delegations_.put(flight_.key.view, learned, now);
  }
  FetchResult result;
  result.outcome = meaning.says == Says::alias ? Outcome::alias : meaning.steps.back().entry.outcome;
  result.steps = std::move(meaning.steps);
  result.next = std::move(meaning.next);
  return result;
}

}  // namespace umaya::named
