#include "named-lite/query/questions.h"

#include <unistd.h>

#include <algorithm>

#include "libcommon/base/clock.h"
#include "libcommon/base/random.h"
#include "named-lite/answer/prefetch.h"
#include "named-lite/dns/types.h"
#include "named-lite/query/client_view.h"
#include "named-lite/query/counting.h"

namespace umaya::named {

namespace {

/// Whether a packet needs keys or changes something.
bool is_for_zone_process(const Query& query) {
  if (query.is_signed || query.opcode == opcode::kNotify || query.opcode == opcode::kUpdate) return true;
  return query.has_question && (query.type == type::kAxfr || query.type == type::kIxfr);
}

std::string name_of_host() {
  char name[256] = {};
  return gethostname(name, sizeof name - 1) == 0 ? name : "";
}

ReceptionConf reception_conf(const ServerAnswerConf& conf, const CookieSecret& secret) {
  ReceptionConf result;
  result.edns.identity = conf.server_id.value_or("");
  result.edns.answer_cookie = conf.answer_cookie;
  result.edns.keepalive = static_cast<uint16_t>(conf.tcp_advertised_timeout.count() / 100);
  result.chaos.version = conf.version.value_or("named-lite");
  result.chaos.hostname = conf.hostname ? *conf.hostname : name_of_host();
  result.chaos.identity = conf.server_id.value_or("");
  for (const std::string& each : conf.cookie_secrets) {
    if (each.size() == secret.size()) std::copy(each.begin(), each.end(), result.cookie_secrets.emplace_back().begin());
  }
  if (result.cookie_secrets.empty()) result.cookie_secrets.push_back(secret);
  return result;
}

}  // namespace

/// Where clients are told apart, each question has its own way.
void Questions::prefetch(std::span<const std::string_view> packets) const {
  const ServedView& first = *snapshot_->views[0];
  if (first.matches_all) prefetch_answers(first.catalog, packets);
}

void Questions::replace(SnapshotPtr snapshot) {
  if (snapshot == snapshot_) return;  // zones of it have changed
  snapshot_ = std::move(snapshot);
  reception_.emplace(reception_conf(snapshot_->conf.answer, secret_), random_u64());
  limiters_.clear();
  for (const auto& view : snapshot_->views) {
    const RateLimitConf& limits = view->conf.answer.rate_limit;
    limiters_.push_back(limits.enabled ? std::make_unique<RateLimiter>(limits, random_u64()) : nullptr);
  }
}

/// Clients without a view are limited as those of the first.
RateLimiter* Questions::limiter_for(const ServedView* view, const Requester& client) const {
  size_t number = 0;
  for (size_t i = 0; i < snapshot_->views.size(); ++i) {
    if (snapshot_->views[i].get() == view) number = i;
  }
  RateLimiter* limiter = limiters_[number].get();
  if (limiter == nullptr) return nullptr;
  const AclRef& exempt = limiter->limits().exempt_clients;
  return exempt && admits(*exempt, client) ? nullptr : limiter;
}

RecursivePlace Questions::place_in(const ServedView& view, Transport transport) const {
  RecursivePlace place;
  place.transport = transport;
  place.udp_limit = view.conf.answer.max_udp_size;
  while (snapshot_->views[place.view].get() != &view) ++place.view;
  return place;
}

/// Nothing that is configured needs to know who asks.
bool Questions::all_are_equal() const {
  const ServedView& view = *snapshot_->views[0];
  return view.matches_all && !view.conf.recursion.recursion && !limiters_[0] && !snapshot_->conf.answer.blackhole;
}

Response Questions::drop() {
  ++counters_.dropped;
  if (page_ != nullptr) page_->add(Count::dropped);
  return {};
}

Response Questions::respond(std::string_view packet, const sockaddr* client, const net::IpAddress& local,
                            Transport transport, std::span<char> out) {
  ++(transport == Transport::udp ? counters_.udp : counters_.tcp);
  Query query;
  if (parse_query(packet, query) == ParsedAs::drop) return drop();
  AnswerContext context;
  context.transport = transport;
  if (all_are_equal() && query.cookie.empty()) {
    if (is_for_zone_process(query)) return {Verdict::ask_zone};
    use_view(*snapshot_->views[0], context);
    Response response = own_answer(query, packet, {}, context, out);
    count(query, client, context, {out.data(), response.size}, response.verdict);
    return response;
  }
  auto address = net::IpAddress::from_sockaddr(client);
  Requester requester{address ? address->unmapped() : net::IpAddress(), nullptr, local, query.recursion_desired};
  const AclRef& blackhole = snapshot_->conf.answer.blackhole;
  if (!address || (blackhole && admits(*blackhole, requester))) return drop();
  if (is_for_zone_process(query)) return {Verdict::ask_zone};
  const ServedView* view = choose_view(*snapshot_, query, requester, context);
  context.recursion_available = view != nullptr && may_recurse(*view, requester);
  bool recurses = context.recursion_available && query.recursion_desired;
  Arrival arrival;
  arrival.address = requester.address.bytes();
  arrival.seconds = static_cast<uint32_t>(wall_seconds());
  arrival.limiter = limiter_for(view, requester);
  arrival.asks_others = recurses;
  Response response = own_answer(query, packet, arrival, context, out);
  if (recurses && context.report->is_others()) {
    response.place = place_in(*view, transport);
    response.size = recursion_.from_cache(query, packet, response.place, out);
    response.verdict = response.size > 0 ? Verdict::answered : Verdict::ask_recursion;
  }
  count(query, client, context, {out.data(), response.size}, response.verdict);
  return response;
}

/// From our zones.
Response Questions::own_answer(const Query& query, std::string_view packet, const Arrival& arrival,
                               AnswerContext& context, std::span<char> out) {
  Response response;
  response.keeps_alive = query.wants_keepalive;
  response.size = reception_->answer(query, packet, arrival, context, out);
  response.verdict = response.size == 0 ? Verdict::drop : Verdict::answered;
  return response;
}

void Questions::count(const Query& query, const sockaddr* client, const AnswerContext& context, std::string_view reply,
                      Verdict verdict) const {
  if (page_ == nullptr) return;
  count_query(*page_, query, client, context.transport);
  if (verdict == Verdict::drop) page_->add(Count::dropped);
  if (verdict == Verdict::answered) count_reply(*page_, *snapshot_, query, context, reply);
}

}  // namespace umaya::named
