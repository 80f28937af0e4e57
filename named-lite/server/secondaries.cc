#include "named-lite/server/secondaries.h"

#include <algorithm>

#include "libcommon/base/clock.h"
#include "libcommon/base/random.h"
#include "libcommon/event/listener.h"
#include "libcommon/log/log.h"
#include "named-lite/dns/types.h"
#include "named-lite/transfer/transfer_question.h"
#include "named-lite/transfer/zone_file.h"
#include "named-lite/transfer/zone_receiver.h"
#include "named-lite/zone/checker.h"

namespace umaya::named {

namespace {

using namespace std::chrono_literals;

constexpr Duration kConnect = 10s;
constexpr Duration kSoaAnswer = 15s;
constexpr Duration kSilence = 60s;      // between two messages of a transfer
constexpr Duration kWithoutData = 30s;  // at most; the first tries come sooner, for whole networks start at once
constexpr Duration kLeastPause = 1s;    // however many NOTIFY come

Duration bounded(uint32_t seconds) {
  constexpr Duration kMost = std::chrono::hours(24 * 28);
  return std::clamp<Duration>(std::chrono::seconds(seconds), 30s, kMost);
}

/// Nine tenths to the whole, so that many zones do not come at the same moment.
Duration jittered(Duration whole) {
  auto tenth = static_cast<uint64_t>(whole.count() / 10);
  return whole - Duration(static_cast<int64_t>(tenth == 0 ? 0 : random_u64() % tenth));
}

bool is_newer(uint32_t serial, uint32_t than) {
  return static_cast<int32_t>(serial - than) > 0;  // RFC 1982
}

std::string label_of(const ZoneConf& conf) {
  return "zone " + conf.name.text() + "/IN";
}

uint64_t now_seconds() {
  return static_cast<uint64_t>(wall_seconds());
}

}  // namespace

/// One connection to a primary.
struct Secondaries::Exchange {
  Exchange(Fd fd, SnapshotPtr kept, const TsigKey* with)
      : stream(std::move(fd)), snapshot(std::move(kept)), key(with) {}

  /// Gathers a question; the stream is flushed by the caller.
  void ask(const Name& zone, uint16_t type) {
    id = static_cast<uint16_t>(random_u64());
    std::string message = zone_question(zone, type, id);
    signatures.reset();
    if (key != nullptr) {
      TsigSigner signer(*key);
      signer.sign(message, now_seconds());
      signatures.emplace(*key, signer.mac());
    }
    char length[2] = {static_cast<char>(message.size() >> 8), static_cast<char>(message.size())};
    stream.write({length, 2});
    stream.write(message);
  }

  /// The next message, valid until the next read; an error when it does not come or is not signed as it must be.
  event::Task<Result<std::string_view>> receive(Duration limit) {
    stream.set_timeout(limit);
    event::Read length = co_await stream.read_exactly(2);
    if (!length) co_return temporary("the connection ended");
    size_t size = static_cast<size_t>(static_cast<unsigned char>(length.data[0])) << 8 |
                  static_cast<unsigned char>(length.data[1]);
    event::Read message = co_await stream.read_exactly(size);
    if (!message) co_return temporary("the connection ended within a message");
    if (signatures) {
      auto trusted = signatures->take(message.data, now_seconds());
      if (!trusted) co_return std::unexpected(trusted.error());
    }
    co_return message.data;
  }

  event::Stream stream;
  SnapshotPtr snapshot;  // owns the key
  const TsigKey* key;
  uint16_t id = 0;
  std::optional<TsigStream> signatures;
};

void Secondaries::configure() {
  std::map<Key, std::unique_ptr<Zone>> before = std::exchange(zones_, {});
  std::vector<Zone*> fresh;
  const SnapshotPtr snapshot = responder_.snapshot();
  for (const auto& view : snapshot->views) {
    for (const ZoneConf& conf : view->conf.zones) {
      if (conf.type != ZoneType::secondary) continue;
      Key key{view->conf.name, std::string(conf.name.lower().wire())};
      auto& zone = zones_[key];
      if (auto known = before.find(key); known != before.end()) {
        zone = std::move(known->second);
        zone->conf = conf;
        // A transfer that ended while the configuration was read is not in the new snapshot.
        if (zone->image) serve(*zone, zone->image);
        zone->wake.set();
        continue;
      }
      zone = std::make_unique<Zone>();
      zone->view = view->conf.name;
      zone->conf = conf;
      zone->path = zone_path(snapshot->conf.directory, conf.file);
      zone->image = view->catalog.image_of(key.second);
      fresh.push_back(zone.get());
    }
  }
  for (Zone* zone : fresh) zone->task.spawn(keep(*zone));
}

bool Secondaries::notified(const std::string& view, std::string_view zone) {
  auto known = zones_.find({view, std::string(zone)});
  if (known == zones_.end()) return false;
  known->second->again = true;
  known->second->wake.set();
  return true;
}

bool Secondaries::retransfer(const std::string& view, std::string_view zone) {
  auto known = zones_.find({view, std::string(zone)});
  if (known == zones_.end()) return false;
  known->second->whatever = true;
  return notified(view, zone);
}

std::optional<Secondaries::Status> Secondaries::status(const std::string& view, std::string_view zone) const {
  auto known = zones_.find({view, std::string(zone)});
  if (known == zones_.end()) return std::nullopt;
  TimePoint now = monotonic_now();
  Status status;
  status.refreshing = known->second->next <= now;
  status.next_refresh = std::chrono::duration_cast<std::chrono::seconds>(known->second->next - now).count();
  status.expires = std::chrono::duration_cast<std::chrono::seconds>(known->second->expires - now).count();
  return status;
}

event::Task<void> Secondaries::keep(Zone& zone) {
  if (zone.image) {
    // The file's time says when a primary was heard last.
    int64_t age = std::max<int64_t>(0, wall_seconds() - file_time(zone.path));
    zone.expires = monotonic_now() + bounded(soa_times(*zone.image).expire) - std::chrono::seconds(age);
  }
  while (true) {
    zone.again = false;
    zone.wake.reset();
    zone.next = {};
    bool place = co_await transfers_.acquire();
    (void)place;
    Outcome outcome = co_await refresh(zone);
    transfers_.release();
    TimePoint now = monotonic_now();
    Duration pause = std::min<Duration>(kWithoutData, std::chrono::seconds(1 << std::min(zone.tries, 5u)));
    ++zone.tries;
    if (zone.image) {
      zone.tries = 0;
      SoaTimes times = soa_times(*zone.image);
      if (outcome != Outcome::failed) zone.expires = now + bounded(times.expire);
      pause = jittered(bounded(outcome == Outcome::failed ? times.retry : times.refresh));
      if (now >= zone.expires) expire(zone);
      if (zone.image) pause = std::min<Duration>(pause, zone.expires - now);
    }
    zone.next = now + pause;
    co_await event::sleep(kLeastPause);
    if (!zone.again) co_await zone.wake.wait(pause);
  }
}

void Secondaries::expire(Zone& zone) {
  log::error("{}: expired: no primary was reached in time; questions get SERVFAIL", label_of(zone.conf));
  zone.image = nullptr;
  responder_.serve(zone.view, zone.conf.name.lower().wire(), nullptr);
}

void Secondaries::serve(Zone& zone, ImagePtr image) {
  zone.image = image;
  responder_.serve(zone.view, zone.conf.name.lower().wire(), std::move(image));
}

event::Task<Secondaries::Outcome> Secondaries::refresh(Zone& zone) {
  const std::vector<RemoteServer> primaries = zone.conf.primaries;
  for (const RemoteServer& primary : primaries) {
    Outcome outcome = co_await ask(zone, primary);
    if (outcome != Outcome::failed) co_return outcome;
  }
  co_return Outcome::failed;
}

event::Task<Secondaries::Outcome> Secondaries::ask(Zone& zone, RemoteServer primary) {
  const std::string from = primary.at.to_string();
  auto failed = [&](const std::string& why) {
    log::warning("{}: refresh from {}: {}", label_of(zone.conf), from, why);
    return Outcome::failed;
  };
  SnapshotPtr snapshot = responder_.snapshot();
  const TsigKey* key = primary.key ? find_key(snapshot->conf.keys, primary.key->wire()) : nullptr;
  if (primary.key && key == nullptr) co_return failed("its key is not there any more");
  event::PeerAddress peer;
  peer.size = primary.at.to_sockaddr(peer.storage);
  auto connected = co_await event::connect_to(peer, kConnect);
  if (!connected) co_return failed(connected.error().what);
  Exchange exchange(std::move(*connected), std::move(snapshot), key);
  exchange.ask(zone.conf.name, type::kSoa);
  co_await exchange.stream.flush();
  auto message = co_await exchange.receive(kSoaAnswer);
  if (!message) co_return failed(message.error().what);
  SoaAnswer soa = read_soa_answer(*message, zone.conf.name, exchange.id);
  if (!soa.serial) co_return failed(soa.why);
  if (zone.image && !zone.whatever) {
    uint32_t ours = zone.image->header().serial;
    if (is_newer(ours, *soa.serial)) {
      log::warning("{}: our serial {} is higher than {} of {}: its zone is not taken", label_of(zone.conf), ours,
                   *soa.serial, from);
    }
    if (!is_newer(*soa.serial, ours)) {
      touch_file(zone.path);
      co_return Outcome::up_to_date;
    }
  }
  auto records = co_await fetch(zone, exchange);
  if (!records) co_return failed("transfer: " + records.error().what);
  RecordList list = std::move(*records);
  auto installed = co_await install(zone, std::move(list), from);
  if (!installed) co_return failed("transfer: " + installed.error().what);
  co_return Outcome::transferred;
}

event::Task<Result<RecordList>> Secondaries::fetch(Zone& zone, Exchange& exchange) {
  exchange.ask(zone.conf.name, type::kAxfr);
  co_await exchange.stream.flush();
  ZoneReceiver receiver(zone.conf.name, exchange.id);
  while (receiver.state() == ZoneReceiver::State::more) {
    auto message = co_await exchange.receive(kSilence);
    if (!message) co_return std::unexpected(message.error());
    receiver.take(*message);
  }
  if (receiver.state() == ZoneReceiver::State::failed) co_return permanent(receiver.why());
  if (exchange.signatures && !exchange.signatures->complete()) co_return permanent("the end is not signed");
  co_return receiver.release();
}

event::Task<Result<>> Secondaries::install(Zone& zone, RecordList records, std::string from) {
  struct Compiled {
    ImagePtr image;
    std::string error;
    std::string warning;
  };
  uint64_t seed = responder_.snapshot()->views[0]->catalog.seed();
  // Shared: the thread that compiles may outlive this task.
  auto list = std::make_shared<const RecordList>(std::move(records));
  auto work = [list, seed, path = zone.path] {
    Compiled out;
    Problems problems;
    auto image = std::make_shared<const ZoneImage>(compile_zone(*list, seed));
    check_zone(*list, *image, problems);
    for (const Problem& problem : problems.all()) {
      if (problem.severity == Severity::error && out.error.empty()) out.error = problem.what;
    }
    if (problems.has_errors()) return out;
    if (auto written = write_zone_file(path, *list); !written) out.warning = written.error().what;
    out.image = std::move(image);
    return out;
  };
  Compiled compiled = co_await pool_.run(std::move(work));
  if (!compiled.image) co_return permanent(compiled.error);
  if (!compiled.warning.empty()) log::warning("{}: not saved: {}", label_of(zone.conf), compiled.warning);
  log::info("{}: transferred serial {} from {} ({} records)", label_of(zone.conf), compiled.image->header().serial,
            from, compiled.image->header().record_count);
  zone.whatever = false;
  serve(zone, compiled.image);
  changed_(zone.conf, compiled.image);
  co_return Result<>();
}

}  // namespace umaya::named
