#include "named-lite/peers/notifier.h"

#include <algorithm>

#include "libcommon/base/bytes.h"
#include "libcommon/base/clock.h"
#include "libcommon/base/random.h"
#include "libcommon/event/datagram.h"
#include "libcommon/event/loop.h"
#include "named-lite/answer/query.h"
#include "named-lite/dns/types.h"
#include "named-lite/logging/category.h"
#include "named-lite/peers/local_end.h"

namespace umaya::named {

namespace {

using namespace std::chrono_literals;

using log = Logged<Category::notify>;
constexpr size_t kMostTargets = 100;
constexpr uint16_t kDnsPort = 53;
constexpr int kTries = 5;

/// Adds the addresses that the zone has for a node.
void add_addresses(const ZoneImage& image, const Node& node, std::vector<RemoteServer>& out) {
  for (uint16_t type : {type::kA, type::kAaaa}) {
    const RrsetEntry* entry = node.find(type);
    if (entry == nullptr) continue;
    std::string_view data = image.data(*entry);
    size_t size = type == type::kA ? 4 : 16;
    for (size_t at = 12; at + size <= data.size(); at += size + 12) {
      const auto* octets = reinterpret_cast<const uint8_t*>(data.data() + at);
      net::IpAddress address = type == type::kA ? net::IpAddress::v4(octets) : net::IpAddress::v6(octets);
      out.push_back({{address, kDnsPort}, std::nullopt});
    }
  }
}

/// Node of the server that the SOA names; nullptr when it is not in the zone.
const Node* soa_server(const ZoneImage& image) {
  std::string_view data = image.data(*image.apex().find(type::kSoa)).substr(12);
  std::string wire;
  for (size_t at = 0; at < data.size();) {
    auto length = static_cast<unsigned char>(data[at]);
    if (length >= 0xC0) {
      size_t from = (static_cast<size_t>(length & 0x3F) << 8 | static_cast<unsigned char>(data[at + 1])) - 12;
      wire += image.apex_name().substr(from);
      break;
    }
    wire += data.substr(at, 1 + size_t{length});
    at += 1 + size_t{length};
    if (length == 0) break;
  }
  std::string lower = std::string(Name::from_wire(wire).lower().wire());
  if (!is_at_or_below(lower, image.apex_name())) return nullptr;
  SuffixHashes hashes(lower, image.seed());
  return image.find(lower, hashes.hash(hashes.labels()));
}

}  // namespace

std::vector<RemoteServer> notify_targets(const ViewConf& view, const ZoneConf& zone, const ZoneImage& image) {
  const NotifyConf& conf = zone.settings->transfer.notify;
  std::vector<RemoteServer> all;
  bool silent = conf.mode == NotifyMode::primary_only && zone.type != ZoneType::primary;
  if (conf.mode == NotifyMode::no || silent) return all;
  const RrsetEntry* servers = image.apex().find(type::kNs);
  bool servers_too = conf.mode == NotifyMode::yes || conf.mode == NotifyMode::primary_only;
  if (servers_too && servers != nullptr) {
    const Node* primary = conf.to_soa ? nullptr : soa_server(image);
    for (size_t i = 0; i < servers->count; ++i) {
      const Node* target = image.target(image.apex(), *servers, i);
      if (target != nullptr && target != primary) add_addresses(image, *target, all);
    }
  }
  all.insert(all.end(), conf.also.begin(), conf.also.end());
  if (all.size() > kMostTargets) all.resize(kMostTargets);
  add_peer_keys(view.peers, all);
  return all;
}

std::string notify_message(const ZoneImage& image, uint16_t id) {
  std::string message;
  ByteWriter out(message);
  constexpr uint16_t kFlags = opcode::kNotify << 11 | 0x0400;
  out.be16(id).be16(kFlags).be16(1).be16(1).be16(0).be16(0);
  out.bytes(image.apex_name()).be16(type::kSoa).be16(rr_class::kIn);
  // The data were compiled for an owner at offset 12, where the question stands here, too.
  std::string_view soa = image.data(*image.apex().find(type::kSoa));
  return message.append(soa);
}

/// One target, and what it is sent.
struct Notifier::Told {
  event::PeerAddress target;
  event::PeerAddress source;
  std::optional<TsigKey> key;
  std::string message;
  std::string label;
};

void Notifier::zone_changed(const ViewConf& view, const ZoneConf& zone, const ZoneImage& image, const NamedConf& conf,
                            Notice why) {
  rate_ = conf.transfers.notify_rate;
  start_rate_ = conf.transfers.startup_notify_rate;
  const std::string what =
      "zone " + zone.name.text() + "/IN: notify of serial " + std::to_string(image.header().serial);
  std::vector<Told> all;
  for (const RemoteServer& target : notify_targets(view, zone, image)) {
    if (!conf.uses(target.at.address.family())) continue;
    const PeerConf* peer = find_peer(view.peers, target.at.address);
    Told told;
    told.target.size = target.at.to_sockaddr(told.target.storage);
    told.source = local_end(target.at.address, zone.settings->transfer.notify.source,
                            peer != nullptr ? &peer->notify_source : nullptr);
    if (const TsigKey* known = target.key ? find_key(conf.keys, target.key->wire()) : nullptr) told.key = *known;
    told.label = what + " to " + target.at.to_string();
    told.message = notify_message(image, static_cast<uint16_t>(random_u64()));
    all.push_back(std::move(told));
  }
  Zone& known = zones_[{view.name, std::string(zone.name.lower().wire())}];
  known.tasks.cancel();  // who has not answered yet need not hear of the older serial
  known.tasks.spawn(tell_all(known, std::move(all), zone.settings->transfer.notify.delay, why));
}

event::Task<void> Notifier::tell_all(Zone& zone, std::vector<Told> all, seconds delay, Notice why) {
  TimePoint now = monotonic_now();
  if (why != Notice::command && zone.next > now) co_await event::sleep(zone.next - now);
  bool start = why == Notice::start;
  Turns& turns = start ? start_turns_ : turns_;
  for (Told& told : all) {
    co_await turns.next(start ? start_rate_ : rate_);
    zone.next = monotonic_now() + delay;
    zone.tasks.spawn(tell(std::move(told)));
  }
}

event::Task<void> Notifier::tell(Told told) {
  auto socket = event::DatagramSocket::create(told.target.storage.ss_family, told.source);
  auto connected = socket ? socket->connect(told.target) : Result<void>(std::unexpected(socket.error()));
  if (!connected) {
    log::warning("{}: {}", told.label, connected.error().what);
    co_return;
  }
  Duration wait = 2s;
  for (int i = 0; i < kTries; ++i, wait *= 2) {
    std::string packet = told.message;
    if (told.key) TsigSigner(*told.key).sign(packet, static_cast<uint64_t>(wall_seconds()));
    (void)socket->send(packet);  // what is lost is sent again
    if (page_ != nullptr) page_->add(Count::notifies_out);
    TimePoint end = monotonic_now() + wait;
    while (monotonic_now() < end) {
      auto answer = co_await socket->receive(end - monotonic_now(), 512);
      if (!answer) {
        TimePoint now = monotonic_now();
        if (now < end) co_await event::sleep(end - now);  // nobody listens there just now
        break;
      }
      bool fits = answer->bytes.size() >= 12 && answer->bytes.compare(0, 2, packet, 0, 2) == 0;
      if (!fits) continue;
      int code = answer->bytes[3] & 15;
      if (code == rcode::kNoError) {
        log::info("{}: answered", told.label);
      } else {
        log::warning("{}: refused with code {}", told.label, code);
      }
      co_return;
    }
  }
  log::warning("{}: no answer", told.label);
}

}  // namespace umaya::named
