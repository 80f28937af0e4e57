// What other name servers ask about zones: NOTIFY, and transfers.
#include <algorithm>

#include "libcommon/base/clock.h"
#include "libcommon/base/strings.h"
#include "named-lite/answer/writer.h"
#include "named-lite/dns/types.h"
#include "named-lite/query/client_view.h"
#include "named-lite/query/counting.h"
#include "named-lite/server/responder.h"
#include "named-lite/transfer/transfer_question.h"

namespace umaya::named {

namespace {

bool may_transfer(const ServedView& view, const Query& query, const Requester& client) {
  return admits(*settings_for(view, query.lower_name()).transfer.allow_transfer, client);
}

uint64_t now() {
  return static_cast<uint64_t>(wall_seconds());
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
