#include "named-lite/query/questions.h"

#include <netinet/in.h>

#include <cstring>
#include <utility>

#include "libcommon/base/clock.h"
#include "libcommon/base/random.h"
#include "named-lite/answer/prefetch.h"
#include "named-lite/dns/types.h"
#include "named-lite/logging/category.h"
#include "named-lite/query/client_view.h"
#include "named-lite/query/counting.h"
#include "named-lite/query/reception_conf.h"

namespace umaya::named {

namespace {

constexpr unsigned kMostLimitsTold = 20;  // lines a second: forged addresses make any number of them

/// Whether a packet needs keys or changes something.
bool is_for_zone_process(const Query& query) {
  if (query.is_signed || query.opcode == opcode::kNotify || query.opcode == opcode::kUpdate) return true;
  if (!query.has_question) return false;
  if (query.type == type::kSoa) return query.wants_expire;  // RFC 7314
  return query.type == type::kAxfr || query.type == type::kIxfr;
}

std::shared_ptr<const sockaddr_storage> copy_of(const sockaddr* address) {
  auto copy = std::make_shared<sockaddr_storage>();
  std::memcpy(copy.get(), address, address->sa_family == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6));
  return copy;
}

}  // namespace

/// Where clients are told apart, each question has its own way.
void Questions::prefetch(std::span<const std::string_view> packets) const {
  const ServedView& first = *snapshot_->views[0];
  if (!first.matches_all) return;
  prefetch_answers(first.catalog, packets);
  if (first.conf.recursion.recursion) recursion_.prefetch(packets, 0);
}

void Questions::replace(SnapshotPtr snapshot) {
  if (snapshot == snapshot_) return;  // zones of it have changed
  snapshot_ = std::move(snapshot);
  reception_.emplace(reception_conf(snapshot_->conf.answer, secret_), random_u64());
  counted_limits_ = {};
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

RecursivePlace Questions::place_in(const ServedView& view, const AnswerContext& context) const {
  RecursivePlace place;
  place.transport = context.transport;
  place.udp_limit = context.udp_limit;
  place.client_known = reception_->knows_client();
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
    if (log_ != nullptr) note(query, client, local, context, {out.data(), response.size});
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
    bool keeps_alive = response.keeps_alive;
    response = others_answer(query, packet, arrival, *view, context, out);
    response.keeps_alive = keeps_alive;
  }
  if (reception_->limit_begins()) tell_limit(query, arrival);
  count(query, client, context, {out.data(), response.size}, response.verdict);
  if (log_ != nullptr) note(query, client, local, context, {out.data(), response.size});
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

/// From the cache, where it has one.
Response Questions::others_answer(const Query& query, std::string_view packet, const Arrival& arrival,
                                  const ServedView& view, AnswerContext& context, std::span<char> out) {
  Response response;
  response.place = place_in(view, context);
  AnswerReport report;
  size_t size = recursion_.from_cache(query, packet, response.place, context.options, report, out);
  if (page_ != nullptr) count_cache(*page_, response.place.view, size > 0);
  if (size == 0) {
    response.verdict = Verdict::ask_recursion;
    return response;
  }
  response.size = reception_->limit(query, packet, arrival, report, size, out);
  response.verdict = response.size > 0 ? Verdict::answered : Verdict::drop;
  return response;
}

void Questions::ask_others(std::string_view packet, const RecursivePlace& place, const sockaddr* client, Send send) {
  auto address = net::IpAddress::from_sockaddr(client);
  if (!address) return;
  // Shared: the function that holds it is copied.
  std::shared_ptr<const sockaddr_storage> noted = log_ != nullptr ? copy_of(client) : nullptr;
  auto answered = [this, place, from = address->unmapped(), noted, send = std::move(send)](
                      const Query& query, std::string_view asked, const FoundAnswer& found) {
    size_t size = late_answer(query, asked, place, from, found);
    if (noted && log_ != nullptr) note_late(query, *noted, place, {late_.get(), size});
    send({late_.get(), size});
  };
  recursion_.ask(packet, place, address->unmapped(), std::move(answered));
}

/// Cookie, options and limits are those of the time at which it is sent.
size_t Questions::late_answer(const Query& query, std::string_view packet, const RecursivePlace& place,
                              const net::IpAddress& client, const FoundAnswer& found) {
  std::span<char> out(late_.get(), kMostAnswer);
  AnswerContext context;
  context.transport = place.transport;
  context.udp_limit = place.udp_limit;
  Requester requester{client, nullptr};
  Arrival arrival;
  arrival.address = client.bytes();
  arrival.seconds = static_cast<uint32_t>(wall_seconds());
  if (place.view < snapshot_->views.size()) {  // there may have been a reload
    const ServedView* view = snapshot_->views[place.view].get();
    arrival.limiter = limiter_for(view, requester);
    context.catalog = &view->catalog;
  }
  reception_->prepare(query, arrival, context);
  size_t size = found.dropped ? 0 : write_found(query, packet, place, context.options, found, out);
  if (size > 0) size = reception_->limit(query, packet, arrival, report_on(query, found), size, out);
  if (reception_->limit_begins()) tell_limit(query, arrival);
  if (page_ == nullptr) return size;
  count_limits();
  if (size == 0) page_->add(Count::dropped);
  if (size > 0) count_reply(*page_, *snapshot_, query, context, {out.data(), size});
  return size;
}

void Questions::count_limits() {
  const RateCounters& now = reception_->counters();
  page_->add(Count::rate_dropped, now.dropped - counted_limits_.dropped);
  page_->add(Count::rate_slipped, now.slipped - counted_limits_.slipped);
  counted_limits_ = now;
}

void Questions::tell_limit(const Query& query, const Arrival& arrival) {
  if (arrival.seconds != std::exchange(limits_told_in_, arrival.seconds)) limits_told_ = 0;
  if (++limits_told_ > kMostLimitsTold) return;
  const RateLimiter& limiter = *arrival.limiter;
  std::string name = name_text(query.lower_name());
  if (name.size() > 1) name.pop_back();
  Logged<Category::rate_limit>::info("{} answers to {} for '{}/{}'{}",
                                     limiter.limits().log_only ? "would limit" : "limits",
                                     limiter.network_text(arrival.address), name, type_text(query.type),
                                     limits_told_ == kMostLimitsTold ? " (and perhaps more in this second)" : "");
}

void Questions::note_late(const Query& query, const sockaddr_storage& client, const RecursivePlace& place,
                          std::string_view reply) const {
  if (place.view >= snapshot_->views.size()) return;
  const net::IpAddress local;  // not told of answers
  const auto* address = reinterpret_cast<const sockaddr*>(&client);
  log_->note_answer({query, address, local, place.transport, view_text(*snapshot_->views[place.view])}, reply);
}

void Questions::note(const Query& query, const sockaddr* client, const net::IpAddress& local,
                     const AnswerContext& context, std::string_view reply) const {
  std::string_view view = view_of(*snapshot_, context);
  log_->note({query, client, local, context.transport, view, reception_->cookie()}, reply);
}

void Questions::count(const Query& query, const sockaddr* client, const AnswerContext& context, std::string_view reply,
                      Verdict verdict) {
  if (page_ == nullptr) return;
  count_query(*page_, query, client, context.transport);
  if (!query.cookie.empty()) count_cookie(*page_, reception_->cookie());
  count_limits();
  if (verdict == Verdict::ask_recursion) page_->add(Count::recursed);
  if (verdict == Verdict::drop) page_->add(Count::dropped);
  if (verdict == Verdict::answered) count_reply(*page_, *snapshot_, query, context, reply);
}

}  // namespace umaya::named
