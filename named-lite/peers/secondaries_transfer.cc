// One refresh of a secondary zone: the questions to a primary, and what becomes of its answers.
#include "named-lite/dns/types.h"
#include "named-lite/dns/wire_record.h"
#include "named-lite/logging/category.h"
#include "named-lite/peers/local_end.h"
#include "named-lite/peers/secondaries.h"
#include "named-lite/peers/serial_question.h"
#include "named-lite/transfer/expire_option.h"
#include "named-lite/transfer/ixfr_receiver.h"
#include "named-lite/transfer/transfer_question.h"
#include "named-lite/zone/image_lookup.h"

namespace umaya::named {

namespace {

using namespace std::chrono_literals;

using log = Logged<Category::xfer_in>;
constexpr Duration kSoaAnswer = 15s;
constexpr Duration kDeaf = 1h;           // a packet filter that lets TCP alone through will not go away soon
constexpr size_t kLeastSteps = 100'000;  // records that an IXFR may have, however small the zone

std::string label_of(const ZoneConf& conf) {
  return "zone " + conf.name.text() + "/IN";
}

size_t most_records(const ZoneConf& conf) {
  size_t most = conf.settings->update.max_records;
  return most == 0 ? ZoneReceiver::kMostRecords : most + 1;  // the SOA at the end is none
}

std::string minutes_text(seconds time) {
  return std::to_string(time.count() / 60) + " min";
}

/// Takes messages until the receiver has enough.
template <class Receiver>
event::Task<Result<>> receive_all(PrimaryExchange& exchange, Receiver& receiver, TransferConf conf) {
  TimePoint end = monotonic_now() + conf.max_time_in;
  exchange.set_deadline(end);
  while (receiver.state() == Receiver::State::more) {
    bool end_is_next = end <= monotonic_now() + conf.max_idle_in;
    auto message = co_await exchange.receive(conf.max_idle_in);
    if (!message && message.error().sys_errno == ETIMEDOUT) {
      co_return temporary(end_is_next
                              ? "it takes longer than " + minutes_text(conf.max_time_in) + " (max-transfer-time-in)"
                              : "nothing came for " + minutes_text(conf.max_idle_in) + " (max-transfer-idle-in)");
    }
    if (!message) co_return std::unexpected(message.error());
    receiver.take(*message);
  }
  if (receiver.state() == Receiver::State::failed) co_return permanent(receiver.why());
  if (!exchange.is_trusted()) co_return permanent("the end is not signed");
  co_return Result<>();
}

uint32_t serial_of(const RecordList& records) {
  return soa_serial(records.rdata(records.records().front()));
}

}  // namespace

event::Task<Secondaries::Outcome> Secondaries::refresh(Zone& zone) {
  const std::vector<RemoteServer> primaries = zone.conf.primaries;
  for (const RemoteServer& primary : primaries) {
    if (!responder_.snapshot()->conf.uses(primary.at.address.family())) continue;
    Outcome outcome = co_await ask(zone, primary);
    if (outcome != Outcome::failed) co_return outcome;
  }
  co_return Outcome::failed;
}

/// Whether a primary with this serial has something for us.
bool Secondaries::is_wanted(const Zone& zone, uint32_t serial, const std::string& from) const {
  if (!zone.image || zone.whatever) return true;
  uint32_t ours = zone.image->header().serial;
  if (serial_is_newer(ours, serial) && !zone.conf.settings->transfer.multi_master) {
    log::warning("{}: our serial {} is higher than {} of {}: its zone is not taken", label_of(zone.conf), ours, serial,
                 from);
  }
  return serial_is_newer(serial, ours);
}

const PeerConf* Secondaries::peer_of(const Zone& zone, const RemoteServer& primary, const Snapshot& snapshot) const {
  for (const auto& view : snapshot.views) {
    if (view->conf.name == zone.copy.id.view) return find_peer(view->conf.peers, primary.at.address);
  }
  return nullptr;
}

bool Secondaries::asks_ixfr(const Zone& zone, const RemoteServer& primary) const {
  if (!zone.image || zone.whatever) return false;
  const SnapshotPtr snapshot = responder_.snapshot();
  const PeerConf* peer = peer_of(zone, primary, *snapshot);
  return peer != nullptr && peer->request_ixfr ? *peer->request_ixfr : zone.conf.settings->update.request_ixfr;
}

bool Secondaries::asks_expire(const Zone& zone, const RemoteServer& primary) const {
  const SnapshotPtr snapshot = responder_.snapshot();
  const PeerConf* peer = peer_of(zone, primary, *snapshot);
  if (peer != nullptr && peer->edns && !*peer->edns) return false;
  return peer != nullptr && peer->request_expire ? *peer->request_expire : zone.conf.settings->transfer.request_expire;
}

event::PeerAddress Secondaries::source_for(const Zone& zone, const RemoteServer& primary) const {
  const SnapshotPtr snapshot = responder_.snapshot();
  const PeerConf* peer = peer_of(zone, primary, *snapshot);
  return local_end(primary.at.address, zone.conf.settings->transfer.source,
                   peer != nullptr ? &peer->transfer_source : nullptr);
}

/// transfers-per-ns, or what a server clause says.
size_t Secondaries::most_transfers_from(const Zone& zone, const RemoteServer& primary) const {
  const SnapshotPtr snapshot = responder_.snapshot();
  const PeerConf* peer = peer_of(zone, primary, *snapshot);
  return peer != nullptr && peer->transfers ? *peer->transfers : snapshot->conf.transfers.transfers_per_server;
}

event::Task<Result<Secondaries::ExchangePtr>> Secondaries::connect(Zone& zone, RemoteServer primary) {
  event::PeerAddress source = source_for(zone, primary);
  co_return co_await PrimaryExchange::open(std::move(primary), responder_.snapshot(), source);
}

Secondaries::Outcome Secondaries::failed(const Zone& zone, const std::string& from, const std::string& why) const {
  log::warning("{}: refresh from {}: {}", label_of(zone.conf), from, why);
  return Outcome::failed;
}

/// What a NOTIFY asks for does not wait behind the zones of a start.
event::Task<Result<SoaAnswer>> Secondaries::ask_over_udp(Zone& zone, RemoteServer primary) {
  bool expire = asks_expire(zone, primary);
  while (true) {
    Turns& turns = zone.told ? told_turns_ : turns_;
    co_await turns.next(responder_.snapshot()->conf.transfers.serial_query_rate);
    bool free = co_await questions_.acquire();
    (void)free;
    HeldSlot held(questions_);
    event::PeerAddress source = source_for(zone, primary);
    auto soa = co_await ask_serial(primary, responder_.snapshot(), source, zone.conf.name, expire);
    if (!expire || !soa || !soa->without_edns) co_return soa;
    expire = false;
  }
}

/// Over a new connection, which stays open for the transfer.
event::Task<Result<SoaAnswer>> Secondaries::ask_soa(Zone& zone, RemoteServer primary, ExchangePtr& exchange,
                                                    bool expire) {
  auto opened = co_await connect(zone, primary);
  if (!opened) co_return std::unexpected(opened.error());
  exchange = std::move(*opened);
  std::string question = zone_question(zone.conf.name, type::kSoa, 0);
  if (expire) ask_for_expire(question);
  auto asked = co_await exchange->ask(std::move(question));
  if (!asked) co_return std::unexpected(asked.error());
  auto message = co_await exchange->receive(kSoaAnswer);
  if (!message) co_return std::unexpected(message.error());
  co_return read_soa_answer(*message, zone.conf.name, exchange->id());
}

event::Task<Result<SoaAnswer>> Secondaries::ask_over_tcp(Zone& zone, RemoteServer primary, ExchangePtr& exchange) {
  bool expire = asks_expire(zone, primary);
  auto soa = co_await ask_soa(zone, primary, exchange, expire);
  if (expire && soa && soa->without_edns) co_return co_await ask_soa(zone, primary, exchange, false);
  co_return soa;
}

/// The serial is asked for over UDP, and over TCP where nobody answers. What has no data needs TCP anyway.
event::Task<Secondaries::Outcome> Secondaries::ask(Zone& zone, RemoteServer primary) {
  const std::string from = primary.at.to_string();
  bool tries_tcp = zone.conf.settings->transfer.try_tcp_refresh;
  auto deaf = deaf_.find(primary.at);
  bool is_deaf = tries_tcp && deaf != deaf_.end() && monotonic_now() < deaf->second;
  if (!zone.image || zone.whatever || is_deaf) co_return co_await fetch(zone, primary, false);
  auto soa = co_await ask_over_udp(zone, primary);
  if (!soa && !tries_tcp) co_return failed(zone, from, soa.error().what);
  if (!soa) {
    log::info("{}: serial from {}: {}: it is asked over TCP", label_of(zone.conf), from, soa.error().what);
    Outcome outcome = co_await fetch(zone, primary, false);
    if (outcome != Outcome::failed) deaf_[primary.at] = monotonic_now() + kDeaf;
    co_return outcome;
  }
  if (!soa->serial) co_return failed(zone, from, soa->why);
  zone.granted = soa->expire;
  if (!is_wanted(zone, *soa->serial, from)) co_return Outcome::up_to_date;
  co_return co_await fetch(zone, primary, true);
}

/// Over TCP, when a place is free. is_newer: it is known that the primary has something for us.
event::Task<Secondaries::Outcome> Secondaries::fetch(Zone& zone, RemoteServer primary, bool is_newer) {
  const std::string from = primary.at.to_string();
  Duration limit = zone.image ? std::max(zone.expires - monotonic_now(), Duration::zero()) : event::kForever;
  auto place = co_await places_.take(primary.at.address, most_transfers_from(zone, primary), limit);
  if (!place && zone.image && monotonic_now() >= zone.expires) {
    co_return failed(zone, from, "other transfers were before it until it expired");
  }
  if (!place) co_return Outcome::failed;  // a new configuration: configure() has set `wake`
  ExchangePtr exchange;
  if (is_newer) {
    auto opened = co_await connect(zone, primary);
    if (!opened) co_return failed(zone, from, opened.error().what);
    exchange = std::move(*opened);
  } else {
    auto soa = co_await ask_over_tcp(zone, primary, exchange);
    if (!soa) co_return failed(zone, from, soa.error().what);
    if (!soa->serial) co_return failed(zone, from, soa->why);
    zone.granted = soa->expire;
    if (!is_wanted(zone, *soa->serial, from)) co_return Outcome::up_to_date;
  }
  if (asks_ixfr(zone, primary)) {
    auto incremental = co_await fetch_steps(zone, *exchange, from);
    if (incremental) co_return Outcome::transferred;
    responder_.add(Count::transfers_failed);
    log::warning("{}: IXFR from {}: {}: the whole zone is asked for", label_of(zone.conf), from,
                 incremental.error().what);
    // What is on its way over the old connection belongs to the old question.
    auto opened = co_await connect(zone, primary);
    if (!opened) co_return failed(zone, from, opened.error().what);
    exchange = std::move(*opened);
  }
  auto whole = co_await fetch_zone(zone, *exchange, from);
  if (!whole) responder_.add(Count::transfers_failed);
  if (!whole) co_return failed(zone, from, "transfer: " + whole.error().what);
  co_return Outcome::transferred;
}

event::Task<Result<>> Secondaries::fetch_steps(Zone& zone, PrimaryExchange& exchange, std::string from) {
  const ImagePtr image = zone.image;
  std::string question = ixfr_question(soa_record(*image), 0);
  auto asked = co_await exchange.ask(std::move(question));
  if (!asked) co_return asked;
  IxfrReceiver::Limits limits;
  limits.zone_records = most_records(zone.conf);
  limits.step_records = kLeastSteps + 4 * size_t{image->header().record_count};
  IxfrReceiver receiver(zone.conf.name, exchange.id(), image->header().serial, limits);
  auto received = co_await receive_all(exchange, receiver, zone.conf.settings->transfer);
  if (!received) co_return received;
  if (receiver.content() == IxfrReceiver::Content::nothing_new) co_return permanent("it has nothing new after all");
  if (receiver.content() == IxfrReceiver::Content::zone) {
    RecordList records = receiver.release_zone();
    co_return co_await take_up_zone(zone, std::move(records), std::move(from));
  }
  std::vector<ZoneChange> steps = receiver.release_steps();
  co_return co_await take_up_steps(zone, std::move(steps), std::move(from));
}

event::Task<Result<>> Secondaries::fetch_zone(Zone& zone, PrimaryExchange& exchange, std::string from) {
  auto asked = co_await exchange.ask(zone_question(zone.conf.name, type::kAxfr, 0));
  if (!asked) co_return asked;
  ZoneReceiver receiver(zone.conf.name, exchange.id(), most_records(zone.conf));
  auto received = co_await receive_all(exchange, receiver, zone.conf.settings->transfer);
  if (!received) co_return received;
  RecordList records = receiver.release();
  co_return co_await take_up_zone(zone, std::move(records), std::move(from));
}

event::Task<Result<>> Secondaries::take_up_zone(Zone& zone, RecordList records, std::string from) {
  uint32_t serial = serial_of(records);
  const ImagePtr former = zone.image;
  if (former && !zone.whatever && !serial_is_newer(serial, former->header().serial)) {
    co_return permanent("its serial " + std::to_string(serial) + " is not newer than ours");
  }
  bool alone = co_await zone.disk.acquire();
  (void)alone;
  uint64_t seed = responder_.snapshot()->views[0]->catalog.seed();
  // Shared: the thread that compiles may outlive this task.
  auto list = std::make_shared<const RecordList>(std::move(records));
  auto work = [copy = zone.copy, list, former, seed] { return take_zone(copy, *list, former, seed); };
  CopyResult result = co_await pool_.run(std::move(work));
  zone.disk.release();
  if (result.image) zone.merger.forget();
  co_return take_up(zone, std::move(result), " from " + from);
}

event::Task<Result<>> Secondaries::take_up_steps(Zone& zone, std::vector<ZoneChange> steps, std::string from) {
  bool alone = co_await zone.disk.acquire();
  (void)alone;
  co_await zone.merger.until_there_is_room(zone.image);
  if (zone.merger.is_ready()) co_await finish_merge(zone);
  const ImagePtr former = zone.image;
  size_t changes = steps.size();
  auto list = std::make_shared<const std::vector<ZoneChange>>(std::move(steps));
  auto work = [copy = zone.copy, list, former] { return take_steps(copy, former, *list); };
  CopyResult result = co_await pool_.run(std::move(work));
  zone.disk.release();
  if (result.image) zone.merger.changed(result.image, result.change);
  co_return take_up(zone, std::move(result), " from " + from + " by IXFR in " + std::to_string(changes) + " steps");
}

/// The zone was written anew beside all else.
event::Task<void> Secondaries::take_merged(Zone& zone) {
  bool alone = co_await zone.disk.acquire();
  (void)alone;
  if (zone.merger.is_ready()) co_await finish_merge(zone);
  zone.disk.release();
}

/// The same zone in less memory, with what has come since. The caller has the zone's `disk`.
event::Task<void> Secondaries::finish_merge(Zone& zone) {
  auto work = [merged = zone.merger.take()] { return merged.finish(); };
  Result<ImagePtr> image = co_await pool_.run(std::move(work));
  if (!image) {
    log::error("{}: not written anew: {}", label_of(zone.conf), image.error().what);
    co_return;
  }
  if (!zone.image) co_return;  // it has expired
  log::info("{}: written anew, {} octets instead of {}", label_of(zone.conf), (*image)->header().size,
            zone.image->header().size);
  serve(zone, *image);
}

Result<> Secondaries::take_up(Zone& zone, CopyResult result, std::string how) {
  if (!result.image) return permanent(std::move(result.error));
  if (!result.warning.empty()) log::warning("{}: not saved: {}", label_of(zone.conf), result.warning);
  log::info("{}: transferred serial {}{} ({} records)", label_of(zone.conf), result.image->header().serial, how,
            result.image->header().record_count);
  zone.whatever = false;
  zone.unsaved = !result.saved && result.warning.empty();
  if (zone.unsaved && !zone.will_save) {
    bool now = wants_saving(zone.copy, *result.image);
    zone.task.spawn(save_later(zone, now ? Duration::zero() : kSaveDelay));
  }
  responder_.add(Count::transfers_in);
  serve(zone, result.image);
  changed_(zone.copy.id, result.image);
  return {};
}

}  // namespace umaya::named
