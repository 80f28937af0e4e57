#include "named-lite/query/questions.h"

#include "named-lite/dns/types.h"
#include "named-lite/query/client_view.h"

namespace umaya::named {

namespace {

constexpr uint8_t kUpdate = 5;  // RFC 2136 1.3

/// Whether a packet needs keys or changes something.
bool is_for_zone_process(const Query& query) {
  if (query.is_signed || query.opcode == opcode::kNotify || query.opcode == kUpdate) return true;
  return query.has_question && (query.type == type::kAxfr || query.type == type::kIxfr);
}

}  // namespace

Reply Questions::respond(std::string_view packet, const sockaddr* client, Transport transport, std::span<char> out) {
  ++(transport == Transport::udp ? counters_.udp : counters_.tcp);
  Query query;
  if (parse_query(packet, query) == ParsedAs::drop) {
    ++counters_.dropped;
    return {};
  }
  if (is_for_zone_process(query)) return {Verdict::ask_zone, 0};
  AnswerContext context;
  context.transport = transport;
  const ServedView& first = *snapshot_->views[0];
  context.udp_limit = first.conf.answer.max_udp_size;
  if (first.matches_all) {
    context.catalog = &first.catalog;
  } else if (auto address = net::IpAddress::from_sockaddr(client)) {
    choose_view(*snapshot_, query, {address->unmapped(), nullptr}, context);
  }
  return {Verdict::answered, answer_query(query, packet, context, out)};
}

}  // namespace umaya::named
