#include "named-lite/server/responder.h"

namespace umaya::named {

namespace {

/// Whether a client may ask for a name: the list of its zone, else the one of the view.
Access access_to(const ServedView& view, const Query& query, const net::IpAddress& client) {
  const Acl* acl = &view.conf.allow_query;
  std::string_view name = query.lower_name();
  size_t best = 0;
  for (const ZoneConf& zone : view.conf.zones) {
    if (!zone.allow_query || zone.name.size() < best || !is_at_or_below(name, zone.name.wire())) continue;
    best = zone.name.size();
    acl = &*zone.allow_query;
  }
  return admits(*acl, client) ? Access::allowed : Access::refused;
}

}  // namespace

size_t Responder::respond(std::string_view packet, const sockaddr* client, Transport transport, std::span<char> out) {
  ++(transport == Transport::udp ? counters_.udp : counters_.tcp);
  Query query;
  if (parse_query(packet, query) == ParsedAs::drop) {
    ++counters_.dropped;
    return 0;
  }
  AnswerContext context;
  context.transport = transport;
  context.udp_limit = snapshot_->conf.udp_limit;
  const ServedView& first = *snapshot_->views[0];
  if (first.matches_all) {
    context.catalog = &first.catalog;
    return answer_query(query, packet, context, out);
  }
  auto address = net::IpAddress::from_sockaddr(client);
  const ServedView* view = address ? snapshot_->view_for(address->unmapped()) : nullptr;
  if (view != nullptr) {
    context.catalog = &view->catalog;
    if (!view->matches_all && query.has_question) context.access = access_to(*view, query, address->unmapped());
  }
  return answer_query(query, packet, context, out);
}

}  // namespace umaya::named
