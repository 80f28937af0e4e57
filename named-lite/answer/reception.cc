#include "named-lite/answer/reception.h"

#include <algorithm>

#include "named-lite/answer/writer.h"
#include "named-lite/dns/types.h"

namespace umaya::named {

Reception::Reception(ReceptionConf conf, uint64_t seed)
    : conf_(std::move(conf)), cookies_(conf_.cookie_secrets), turn_(static_cast<uint32_t>(seed)) {}

/// What the view asks of clients that have no cookie of ours (RFC 7873 5.2.3, 5.2.4).
void Reception::apply(const Query& query, AnswerContext& context) const {
  if (context.settings == nullptr || context.transport == Transport::tcp) return;
  context.udp_limit = std::min(context.udp_limit, std::max<uint16_t>(context.settings->nocookie_udp_size, 512));
  bool decided = context.rcode != rcode::kNoError || query.rcode != rcode::kNoError;
  bool knows_cookies = cookie_.state != CookieState::none;
  if (context.settings->require_server_cookie && knows_cookies && !decided) context.rcode = rcode::kBadCookie;
}

void Reception::prepare(const Query& query, const Arrival& arrival, AnswerContext& context) {
  cookie_ = options_.compose(query, conf_.edns, cookies_, arrival.address, context.transport, arrival.seconds);
  known_ = cookie_.state == CookieState::valid || context.transport == Transport::tcp;
  context.options = options_.wire();
  context.turn = ++turn_;
  context.report = &report_;
  report_ = {};
  limit_begins_ = false;
  if (!known_) apply(query, context);
}

size_t Reception::answer(const Query& query, std::string_view packet, const Arrival& arrival, AnswerContext& context,
                         std::span<char> out) {
  prepare(query, arrival, context);
  bool asks_server = query.has_question && query.cls == rr_class::kChaos && query.opcode == opcode::kQuery &&
                     query.rcode == rcode::kNoError && context.rcode == rcode::kNoError;
  size_t size =
      asks_server ? answer_chaos(query, packet, conf_.chaos, context, out) : answer_query(query, packet, context, out);
  if (arrival.asks_others && report_.is_others()) return size;
  return limit(query, packet, arrival, report_, size, out);
}

size_t Reception::limit(const Query& query, std::string_view packet, const Arrival& arrival, const AnswerReport& report,
                        size_t size, std::span<char> out) {
  if (arrival.limiter == nullptr || known_) return size;
  RateVerdict verdict = arrival.limiter->judge(arrival.address, report, query.type, arrival.seconds);
  limit_begins_ = verdict != RateVerdict::send && arrival.limiter->begins();
  if (verdict == RateVerdict::send || arrival.limiter->limits().log_only) return size;
  return limited(verdict, query, packet, out);
}

size_t Reception::limited(RateVerdict verdict, const Query& query, std::string_view packet, std::span<char> out) {
  if (verdict == RateVerdict::drop) {
    ++counters_.dropped;
    return 0;
  }
  ++counters_.slipped;
  Writer writer(query, packet, out, Writer::kSmallest, options_.wire());
  if (cookie_.state == CookieState::none) {
    writer.truncate();
  } else {
    writer.set_rcode(rcode::kBadCookie);
  }
  return writer.finish();
}

}  // namespace umaya::named
