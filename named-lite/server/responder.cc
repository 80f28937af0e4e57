#include "named-lite/server/responder.h"

#include <algorithm>

#include "libcommon/base/clock.h"
#include "libcommon/base/strings.h"
#include "named-lite/answer/writer.h"
#include "named-lite/dns/types.h"
#include "named-lite/query/client_view.h"
#include "named-lite/query/counting.h"
#include "named-lite/query/reception_conf.h"
#include "named-lite/transfer/expire_option.h"
#include "named-lite/transfer/transfer_question.h"
#include "named-lite/transfer/zone_file.h"

namespace umaya::named {

namespace {

uint64_t now() {
  return static_cast<uint64_t>(wall_seconds());
}

/// D20: an IXFR that does not say what the client has.
bool is_malformed_ixfr(const Query& query, std::string_view packet) {
  return query.has_question && query.opcode == opcode::kQuery && query.type == type::kIxfr &&
         query.cls == rr_class::kIn && query.rcode == rcode::kNoError && !serial_in_question(packet, query);
}

}  // namespace

void Responder::replace(std::shared_ptr<Snapshot> snapshot) {
  snapshot_ = std::move(snapshot);
  if (!snapshot_ || !secret_) return;
  ReceptionConf conf = reception_conf(snapshot_->conf.answer, *secret_);
  cookies_.emplace(std::move(conf.cookie_secrets));
  edns_ = std::move(conf.edns);
}

void Responder::serve(std::string_view view, std::string_view zone, ImagePtr image) {
  for (size_t i = 0; i < snapshot_->views.size(); ++i) {
    ServedView& each = *snapshot_->views[i];
    const ZoneConf* conf = each.zones.exactly(zone);
    bool shares = conf != nullptr && conf->type == ZoneType::in_view && conf->in_view == view;
    if ((each.conf.name != view && !shares) || !each.catalog.replace(zone, image)) continue;
    if (served_) served_(i, zone, image);
  }
}

void Responder::moved(size_t view, std::string_view zone, ImagePtr image) {
  if (view < snapshot_->views.size()) snapshot_->views[view]->catalog.replace(zone, std::move(image));
}

/// The answer to who is known. An UPDATE comes here only when nobody takes it.
size_t Responder::respond_to(const Requester& client, const Query& query, std::string_view packet,
                             AnswerContext& context, std::span<char> out) {
  if (query.opcode == opcode::kNotify) return respond_notify(query, packet, client, context, out);
  if (query.opcode == opcode::kUpdate) {
    context.rcode = rcode::kNotImp;
    return acknowledge(query, packet, context, out);
  }
  const ServedView* view = choose_view(*snapshot_, query, client, context);
  if (view == nullptr) return answer_question(view, query, packet, context, out);
  return answer_or_order(*view, client, query, packet, context, out);
}

/// From our zones, or else, when the client may recurse, an order to ask others.
size_t Responder::answer_or_order(const ServedView& view, const Requester& client, const Query& query,
                                  std::string_view packet, AnswerContext& context, std::span<char> out) {
  AnswerReport report;
  context.report = &report;
  context.recursion_available = later_ != nullptr && may_recurse(view, client);
  size_t size = answer_question(&view, query, packet, context, out);
  context.report = nullptr;
  if (!context.recursion_available || !query.recursion_desired || !report.is_others()) return size;
  RecursiveOrder& order = later_->emplace();
  order.snapshot = snapshot_;
  order.place.transport = context.transport;
  order.place.udp_limit = context.udp_limit;
  order.place.reserved = context.reserved;
  order.place.client_known =
      context.transport == Transport::tcp || client.key != nullptr || cookie_ == CookieState::valid;
  while (snapshot_->views[order.place.view].get() != &view) ++order.place.view;
  order.client = client.address;
  order.local = client.local;
  order.options = context.options;
  return 0;
}

/// RFC 7314: the option that tells how long the zone in question may be served; empty: it is not asked for.
std::string Responder::expire_of(const ServedView& view, const Query& query) const {
  if (!query.has_edns || !query.wants_expire) return {};
  SuffixHashes hashes(query.lower_name(), view.catalog.seed());
  const ServedZone* zone = view.catalog.find(hashes, hashes.labels());
  if (zone == nullptr || zone->name != query.lower_name() || !zone->image) return {};
  const ServedView* owner = snapshot_->view_with(view, query.lower_name());
  auto left = expires_ ? expires_(owner->conf.name, zone->name) : std::nullopt;
  return expire_option(left.value_or(soa_times(*zone->image).expire));
}

size_t Responder::answer_question(const ServedView* view, const Query& query, std::string_view packet,
                                  AnswerContext& context, std::span<char> out) const {
  const std::string_view before = context.options;
  std::string options(before);
  bool may_ask = view != nullptr && context.access == Access::allowed && query.has_question;
  if (may_ask && query.type == type::kSoa && query.cls == rr_class::kIn) options += expire_of(*view, query);
  context.options = options;
  size_t size = answer_query(query, packet, context, out);
  context.options = before;
  return size;
}

size_t Responder::respond_signed(const Query& query, std::string_view packet, Requester client, AnswerContext& context,
                                 std::span<char> out) {
  TsigRecord record;
  if (find_tsig(packet, record) != TsigFound::yes) {
    context.rcode = rcode::kFormErr;
    return answer_query(query, packet, context, out);
  }
  TsigCheck check = verify_request(packet, record, snapshot_->conf.keys, now());
  if (!check.ok()) ++counters_.signature_errors;
  if (!check.ok() && page_ != nullptr) page_->add(Count::bad_signature);
  if (check.malformed) {
    context.rcode = rcode::kFormErr;
    return answer_query(query, packet, context, out);
  }
  TsigSigner signer(check);
  context.reserved = signer.room();
  size_t size = 0;
  if (!check.ok()) {
    context.rcode = rcode::kNotAuth;
    size = answer_query(query, packet, context, out);
  } else {
    client.key = &check.key->name;
    size = respond_to(client, query, packet, context, out);
    if (later_ != nullptr && *later_) (*later_)->signer.emplace(std::move(signer));
  }
  return size == 0 ? 0 : signer.sign(out, size, now());
}

void Responder::note(const Query& query, std::string_view packet, const sockaddr* client, const net::IpAddress& local,
                     const AnswerContext& context, std::string_view reply) const {
  NotedQuery noted{query, client, local, context.transport, view_of(*snapshot_, context)};
  if (!query.cookie.empty()) noted.cookie = cookie_;
  TsigRecord record;
  const TsigKey* key = nullptr;
  bool is_good = query.is_signed && context.rcode != rcode::kNotAuth && find_tsig(packet, record) == TsigFound::yes;
  if (is_good) key = find_key(snapshot_->conf.keys, record.key.lower().wire());
  if (key != nullptr) noted.key = &key->name;
  log_->note(noted, reply);
}

size_t Responder::respond(std::string_view packet, const sockaddr* client, Transport transport, std::span<char> out,
                          const net::IpAddress& local, std::optional<RecursiveOrder>* later) {
  count(transport);
  later_ = later;
  Query query;
  if (parse_query(packet, query) == ParsedAs::drop) {
    ++counters_.dropped;
    if (page_ != nullptr) page_->add(Count::dropped);
    return 0;
  }
  AnswerContext context;
  context.transport = transport;
  context.udp_limit = snapshot_->views[0]->conf.answer.max_udp_size;
  if (is_malformed_ixfr(query, packet)) context.rcode = rcode::kFormErr;
  auto address = net::IpAddress::from_sockaddr(client);
  Requester requester{address ? address->unmapped() : net::IpAddress(), nullptr, local, query.recursion_desired};
  size_t size = respond_from(requester, query, packet, context, out);
  if (page_ != nullptr) {
    count_query(*page_, query, client, transport);
    if (cookies_ && !query.cookie.empty()) count_cookie(*page_, cookie_);
    bool is_later = later != nullptr && *later;
    if (!is_later) count_reply(*page_, *snapshot_, query, context, {out.data(), size});
  }
  if (log_ != nullptr) note(query, packet, client, local, context, {out.data(), size});
  return size;
}

void Responder::conclude(const Query& query, const RecursiveOrder& order, std::string_view answer) {
  const ServedView& view = *order.snapshot->views[order.place.view];
  if (page_ != nullptr && answer.empty()) page_->add(Count::dropped);
  if (page_ != nullptr && !answer.empty()) {
    AnswerContext context;
    context.catalog = &view.catalog;
    count_reply(*page_, *order.snapshot, query, context, answer);
  }
  if (log_ == nullptr) return;
  sockaddr_storage client{};
  (void)net::Endpoint{order.client, 0}.to_sockaddr(client);
  const auto* address = reinterpret_cast<const sockaddr*>(&client);
  log_->note_answer({query, address, order.local, order.place.transport, view_text(view)}, answer);
}

size_t Responder::respond_from(const Requester& client, const Query& query, std::string_view packet,
                               AnswerContext& context, std::span<char> out) {
  const ServedView& first = *snapshot_->views[0];
  bool recurses = later_ != nullptr && first.conf.recursion.recursion;
  if (first.matches_all && !recurses && !query.is_signed && query.opcode == opcode::kQuery) {
    context.catalog = &first.catalog;
    return answer_question(&first, query, packet, context, out);
  }
  if (!client.address) return answer_query(query, packet, context, out);
  if (cookies_) {
    cookie_ =
        options_
            .compose(query, edns_, *cookies_, client.address.bytes(), context.transport, static_cast<uint32_t>(now()))
            .state;
    context.options = options_.wire();
  }
  if (query.is_signed) return respond_signed(query, packet, client, context, out);
  return respond_to(client, query, packet, context, out);
}

}  // namespace umaya::named
