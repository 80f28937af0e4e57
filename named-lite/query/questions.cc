#include "named-lite/query/questions.h"

#include <unistd.h>

#include <algorithm>

#include "libcommon/base/clock.h"
#include "libcommon/base/random.h"
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

Reply Questions::respond(std::string_view packet, const sockaddr* client, Transport transport, std::span<char> out) {
  ++(transport == Transport::udp ? counters_.udp : counters_.tcp);
  Query query;
  auto address = net::IpAddress::from_sockaddr(client);
  if (!address || parse_query(packet, query) == ParsedAs::drop) {
    ++counters_.dropped;
    if (page_ != nullptr) page_->add(Count::dropped);
    return {};
  }
  Requester requester{address->unmapped(), nullptr};
  const AclRef& blackhole = snapshot_->conf.answer.blackhole;
  if (blackhole && admits(*blackhole, requester)) {
    ++counters_.dropped;
    if (page_ != nullptr) page_->add(Count::dropped);
    return {};
  }
  if (is_for_zone_process(query)) return {Verdict::ask_zone};
  AnswerContext context;
  context.transport = transport;
  const ServedView* view = snapshot_->views[0].get();
  if (view->matches_all) {
    use_view(*view, context);
  } else {
    view = choose_view(*snapshot_, query, requester, context);
  }
  Arrival arrival;
  arrival.address = requester.address.bytes();
  arrival.seconds = static_cast<uint32_t>(wall_seconds());
  arrival.limiter = limiter_for(view, requester);
  size_t size = reception_->answer(query, packet, arrival, context, out);
  if (page_ != nullptr) {
    count_query(*page_, query, client, transport);
    if (size == 0) page_->add(Count::dropped);
    if (size != 0) count_reply(*page_, *snapshot_, query, context, {out.data(), size});
  }
  return {size == 0 ? Verdict::drop : Verdict::answered, size, query.wants_keepalive};
}

}  // namespace umaya::named
