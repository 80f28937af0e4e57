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

bool may_transfer(const ServedView& view, const Query& query, const Requester& client) {
  return admits(*settings_for(view, query.lower_name()).transfer.allow_transfer, client);
}

uint64_t now() {
  return static_cast<uint64_t>(wall_seconds());
}

/// D20: an IXFR that does not say what the client has.
bool is_malformed_ixfr(const Query& query, std::string_view packet) {
  return query.has_question && query.opcode == opcode::kQuery && query.type == type::kIxfr &&
         query.cls == rr_class::kIn && query.rcode == rcode::kNoError && !serial_in_question(packet, query);
}

std::string transfer_label(const Query& query, const Requester& requester) {
  return (query.type == type::kIxfr ? "IXFR" : "AXFR") + std::string(" of '") + name_text(query.lower_name()) +
         "/IN' to " + requester.address.to_string() +
         (requester.key != nullptr ? " with key " + requester.key->text() : "");
}

/// What the configuration says of transfers of a zone to a client.
void set_rules(const ServedView& view, const Query& query, const Requester& client, TransferOrder& order) {
  const ZoneSettings& settings = settings_for(view, query.lower_name());
  const UpdateConf& conf = settings.update;
  const PeerConf* peer = find_peer(view.conf.peers, client.address);
  order.incremental = peer != nullptr && peer->provide_ixfr ? *peer->provide_ixfr : conf.provide_ixfr;
  order.ratio = conf.max_ixfr_ratio;
  order.udp_size = std::min(query.udp_size, view.conf.answer.max_udp_size);
  order.most_time = settings.transfer.max_time_out;
  order.most_idle = settings.transfer.max_idle_out;
  bool whole = order.transport == Transport::tcp;  // over UDP there is one message
  if (whole) order.format = peer != nullptr && peer->format ? *peer->format : settings.transfer.format;
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

/// RFC 1996 4.7: believed from the primaries of the zone, and from whom allow-notify names.
size_t Responder::respond_notify(const Query& query, std::string_view packet, const Requester& client,
                                 AnswerContext& context, std::span<char> out) {
  const ServedView* view = snapshot_->view_for(client);
  const ZoneConf* zone = nullptr;
  if (view != nullptr && query.has_question && query.type == type::kSoa) {
    view = snapshot_->view_with(*view, query.lower_name());
    zone = view->zones.exactly(query.lower_name());
  }
  const Acl* allowed = zone != nullptr ? zone->settings->transfer.allow_notify.get() : nullptr;
  bool believed = allowed != nullptr && admits(*allowed, client);
  for (size_t i = 0; zone != nullptr && i < zone->primaries.size() && !believed; ++i) {
    const RemoteServer& primary = zone->primaries[i];
    bool key_fits = !primary.key || (client.key != nullptr && client.key->wire() == primary.key->wire());
    believed = key_fits && primary.at.address == client.address;
  }
  if (query.rcode == rcode::kNoError) {
    context.rcode = zone == nullptr ? rcode::kNotAuth : rcode::kRefused;
    if (believed && notified_ && notified_(view->conf.name, query.lower_name(), serial_in_notify(packet, query))) {
      ++counters_.notifies;
      if (page_ != nullptr) page_->add(Count::notifies_in);
      context.rcode = rcode::kNoError;
    }
  }
  return acknowledge(query, packet, context, out);
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

/// Who asks, when a signature that the packet has is right.
std::optional<Requester> Responder::requester_of(const Query& query, std::string_view packet, const sockaddr* client,
                                                 const net::IpAddress& local, std::optional<TsigSigner>& signer) const {
  auto address = net::IpAddress::from_sockaddr(client);
  if (!address) return std::nullopt;
  Requester requester{address->unmapped(), nullptr, local, query.recursion_desired};
  if (!query.is_signed) return requester;
  TsigRecord record;
  if (find_tsig(packet, record) != TsigFound::yes) return std::nullopt;
  TsigCheck check = verify_request(packet, record, snapshot_->conf.keys, now());
  if (!check.ok()) return std::nullopt;
  requester.key = &check.key->name;
  signer.emplace(check);
  return requester;
}

std::optional<TransferOrder> Responder::transfer(std::string_view packet, const sockaddr* client, Transport transport,
                                                 const net::IpAddress& local) {
  Query query;
  if (parse_query(packet, query) == ParsedAs::drop || query.rcode != rcode::kNoError) return std::nullopt;
  if (query.opcode != opcode::kQuery || !query.has_question || query.cls != rr_class::kIn) return std::nullopt;
  bool is_ixfr = query.type == type::kIxfr;
  if (!is_ixfr && (query.type != type::kAxfr || transport == Transport::udp)) return std::nullopt;
  TransferOrder order;
  auto requester = requester_of(query, packet, client, local, order.signer);
  if (!requester) return std::nullopt;
  const ServedView* view = snapshot_->view_for(*requester);
  if (view == nullptr || !may_transfer(*view, query, *requester)) {
    add(Count::refused_transfer);
    return std::nullopt;
  }
  SuffixHashes hashes(query.lower_name(), view->catalog.seed());
  const ServedZone* zone = view->catalog.find(hashes, hashes.labels());
  if (zone == nullptr || zone->name != query.lower_name() || !zone->image) return std::nullopt;
  if (is_ixfr) {
    order.serial = serial_in_question(packet, query);
    if (!order.serial) return std::nullopt;
  }
  order.transport = transport;
  set_rules(*view, query, *requester, order);
  order.snapshot = snapshot_;
  order.zone = {snapshot_->view_with(*view, zone->name)->conf.name, zone->name};  // whose journal it is
  order.zone_number = zone->number;
  order.image = zone->image;
  order.packet = packet;
  order.label = transfer_label(query, *requester);
  if (query.has_edns) order.options = expire_of(*view, query);
  if (log_ != nullptr)
    log_->note({query, client, local, transport, view_text(*view), CookieState::none, requester->key}, {});
  return order;
}

void Responder::count_transfer(const TransferOrder& order) {
  ++counters_.transfers;
  if (page_ == nullptr) return;
  page_->add(Count::transfers_out);
  if (order.zone_number < kMostZonesCounted) {
    page_->zones[order.zone_number][static_cast<size_t>(ZoneCount::transfers)].add();
  }
}

void Responder::count_incremental() {
  if (page_ != nullptr) page_->add(Count::transfers_out_incremental);
}

}  // namespace umaya::named
