#include "named-lite/server/zone_server.h"

#include <algorithm>

#include "libcommon/base/clock.h"
#include "libcommon/base/strings.h"
#include "libcommon/log/divert.h"
#include "named-lite/feed/receiver.h"
#include "named-lite/logging/log_sender.h"
#include "named-lite/server/kept_zones.h"
#include "named-lite/server/recursion_settings.h"
#include "named-lite/server/statistics_source.h"

namespace umaya::named {

using namespace std::chrono_literals;

static constexpr Duration kCacheCommand = 30s;
static constexpr Duration kTakingUp = 30s;  // a query process that is slower than that is not waited for
static constexpr size_t kMostUdpAnswer = 4096;
static constexpr unsigned kMostUdpTransfers = 50;  // at once; further ones get the SOA alone

ZoneServer::ZoneServer(Hooks hooks)
    : hooks_(std::move(hooks)),
      query_log_([this](const LogRecord& record) { write_record(record); }),
      publisher_(
          [this](size_t view, const std::string& name, const ImagePtr& image) { responder_.moved(view, name, image); }),
      secondaries_(responder_, workers_,
                   [this](const ZoneId& zone, const ImagePtr& image) { tell_secondaries(zone, *image); }),
      keeper_(
          workers_, [this](const ZoneId& zone, const ImagePtr& image) { serve_updated(zone, image); },
          [this] { return publisher_.settled(kTakingUp); }),
      updates_([this] { return responder_.snapshot(); }, keeper_),
      answer_(std::make_unique_for_overwrite<char[]>(kMostUdpAnswer)),
      started_(wall_seconds()),
      configured_(started_),
      control_(responder_, secondaries_, keeper_, notifier_, workers_,
               {[this](ZonesRead which) { return reload_and_wait(which); }, hooks_.stop, hooks_.process,
                [this](const std::string& view, std::string_view zone, ImagePtr image) {
                  responder_.serve(view, zone, std::move(image));
                },
                [this] { return report(); },
                [this](CacheCommand command, Fd out) { return command_caches(std::move(command), std::move(out)); },
                [this](LogSettings wanted) { return change_log(wanted); }}) {
  log::divert([this](log::Level level, std::string_view text) { return take_line(level, text); });
  responder_.set_updates(&updates_);
  responder_.on_notify([this](auto&&... told) { return secondaries_.notified(told...); });
  responder_.on_expire(
      [this](const std::string& view, std::string_view zone) { return secondaries_.left(view, zone); });
  responder_.on_serve(
      [this](size_t view, std::string_view zone, const ImagePtr& image) { publisher_.change(view, zone, image); });
}

ZoneServer::~ZoneServer() {
  log::divert(nullptr);
  for (auto& [number, link] : links_) publisher_.disconnect(number);
}

void ZoneServer::connect(unsigned receiver, Fd fd) {
  publisher_.disconnect(receiver);
  auto received_from = [this, receiver](ipc::Packet packet) { received(receiver, std::move(packet)); };
  auto ended = [this, receiver] {
    if (receiver == kRecursion) late_.connect(nullptr);
    publisher_.disconnect(receiver);
    links_.erase(receiver);
  };
  auto& link = links_[receiver];
  link = std::make_unique<Link>(std::move(fd), received_from, ended);
  publisher_.connect(receiver, *link);
  if (receiver == kRecursion) late_.connect([&to = *link](std::string message) { return to.post(std::move(message)); });
  give_recursion_keys();
  link->post(ipc::encode(log_orders()));
}

void ZoneServer::configure(ConfigFiles files, ZonesRead which, uint32_t reload) {
  // Of two that wait, the second has the newer text, and the first may ask for more zones.
  which_ = next_ && which_ == ZonesRead::all ? ZonesRead::all : which;
  next_ = std::move(files);
  next_reload_ = std::max(next_reload_, reload);
  if (loading_) return;
  loading_ = true;
  tasks_.spawn(load());
}

void ZoneServer::keep_configuration(std::string why, uint32_t reload) {
  end_reloads(reload, reload, {false, std::move(why)});
}

/// A reload that was asked for while another one is under way ends with the one that began after it.
event::Task<ReloadResult> ZoneServer::reload_and_wait(ZonesRead which) {
  auto reload = std::make_shared<Reload>();
  uint32_t number = ++last_reload_;
  reloads_[number] = reload;
  hooks_.reload(which, number);
  bool ended = co_await reload->ended.wait();
  (void)ended;
  co_return reload->result;
}

void ZoneServer::end_reloads(uint32_t first, uint32_t last, const ReloadResult& result) {
  auto begin = reloads_.lower_bound(first);
  auto end = reloads_.upper_bound(last);
  for (auto each = begin; each != end; ++each) {
    each->second->result = result;
    each->second->ended.set();
  }
  reloads_.erase(begin, end);
}

void ZoneServer::count_in(StatisticsEquipment statistics) {
  pages_ = std::move(statistics.pages);
  if (!pages_.empty()) {
    responder_.count_in(*pages_.back());
    notifier_.count_in(*pages_.back());
    updates_.count_in(*pages_.back());
  }
  statistics_ = std::make_unique<StatisticsServer>(std::move(statistics.sockets), [this] { return report(); });
}

StatisticsReport ZoneServer::report() const {
  SnapshotPtr snapshot = responder_.snapshot();
  StatisticsReport report = snapshot ? report_on_snapshot(*snapshot, pages_) : StatisticsReport();
  report.boot_time = started_;
  report.config_time = configured_;
  return report;
}

/// What the recursion process says; nothing when there is none.
event::Task<std::optional<uint64_t>> ZoneServer::command_caches(CacheCommand command, Fd out) {
  auto link = links_.find(kRecursion);
  if (link == links_.end()) co_return std::nullopt;
  command.number = ++cache_commands_;
  auto answer = std::make_shared<CacheAnswer>();
  cache_answers_[command.number] = answer;
  bool posted = link->second->post(ipc::encode(command), std::move(out));
  if (posted) co_await answer->arrived.wait(kCacheCommand);
  cache_answers_.erase(command.number);
  co_return answer->count;
}

void ZoneServer::end(std::function<void()> ended) {
  const SnapshotPtr snapshot = responder_.snapshot();
  bool saves = snapshot && snapshot->conf.updates.flush_zones_on_shutdown;
  if (!saves) return ended();
  tasks_.spawn(save_and_end(std::move(ended)));
}

event::Task<void> ZoneServer::save_and_end(std::function<void()> ended) {
  std::string wrong = co_await control_.save_all();
  if (!wrong.empty()) log::error("not all zones were written: {}", wrong);
  ended();
}

void ZoneServer::take_commands(std::vector<ControlSocket> sockets) {
  control_server_ = std::make_unique<ControlServer>(std::move(sockets), control_);
}

void ZoneServer::change_control(ControlChannel channel, Fd fd) {
  control_server_->close(channel.path);
  if (fd) control_server_->open({std::move(fd), std::move(channel)});
}

void ZoneServer::change_statistics(const net::Endpoint& at, Fd fd) {
  statistics_->close(at);
  if (fd) statistics_->open({std::move(fd), at});
}

event::Task<void> ZoneServer::load() {
  while (next_) {
    // Shared: the thread that reads may outlive this task.
    auto files = std::make_shared<const ConfigFiles>(std::move(*next_));
    next_.reset();
    uint32_t reload = std::exchange(next_reload_, 0);
    SnapshotPtr before = responder_.snapshot();
    if (before) before = copy_of(*before);
    auto work = [files, before, which = which_] { return build_snapshot(*files, before, which); };
    SnapshotResult result = co_await workers_.run(std::move(work));
    ReloadResult ended;
    if (result.snapshot) configure_log(result.snapshot->conf);
    for (const LogLine& line : result.lines) {
      Logged<Category::zoneload>::write(line.level, line.text);
      if (line.level >= log::Level::error) ended.errors += line.text + "\n";
    }
    if (!result.snapshot && !responder_.snapshot()) log::fatal("the configuration has errors: not started");
    if (!result.snapshot) {
      log::error("reload failed: the configuration of before stays in service");
      ended.good = false;
      end_reloads(1, reload, ended);
      continue;
    }
    ended.good = take_up(std::move(result.snapshot), *files);
    bool settled = co_await publisher_.settled(kTakingUp);
    if (!settled) log::warning("a query process has not taken up the new zones yet");
    if (!ready_) {
      ready_ = true;
      hooks_.ready();
    } else {
      hooks_.in_service();
      log::info("reload complete");
    }
    end_reloads(1, reload, ended);
  }
  loading_ = false;
}

bool ZoneServer::take_up(std::shared_ptr<Snapshot> snapshot, const ConfigFiles& files) {
  auto shared = without_secrets(files);
  if (!shared) {
    log::error("reload failed: {}", shared.error().what);
    return false;
  }
  Problems of_hints;
  add_hints(snapshot->conf, *shared, of_hints);
  std::vector<LogLine> lines;
  add_lines(of_hints, lines);
  for (const LogLine& line : lines) log::write(line.level, line.text);
  SnapshotPtr before = responder_.snapshot();
  number_zones(*snapshot, numbers_);
  configured_ = wall_seconds();
  if (statistics_) statistics_->allow(snapshot->conf.statistics);
  responder_.replace(std::move(snapshot));
  // First what was updated while the files were read, so that nobody is given what is older.
  keeper_.configure(responder_.snapshot()->journal, kept_zones(*responder_.snapshot()));
  give_recursion_keys();
  const std::string config = ipc::encode(*shared);
  publisher_.configure(config, *responder_.snapshot());
  late_.configure(config_mark_of(config), responder_.snapshot()->conf.recursion.recursive_clients);
  secondaries_.configure();
  notify_changes(before.get());
  return true;
}

/// Before the configuration that names them.
void ZoneServer::give_recursion_keys() {
  auto link = links_.find(kRecursion);
  const SnapshotPtr snapshot = responder_.snapshot();
  if (link != links_.end() && snapshot) link->second->post(ipc::encode(recursion_keys_of(snapshot->conf)));
}

/// Primary zones with another serial than before, all of them at the start.
void ZoneServer::notify_changes(const Snapshot* before) {
  const SnapshotPtr snapshot = responder_.snapshot();
  for (const auto& view : snapshot->views) {
    const ServedView* old = nullptr;
    for (size_t i = 0; before != nullptr && i < before->views.size(); ++i) {
      if (before->views[i]->conf.name == view->conf.name) old = before->views[i].get();
    }
    for (const ZoneConf& zone : view->conf.zones) {
      if (zone.type != ZoneType::primary) continue;
      std::string name(zone.name.lower().wire());
      ImagePtr image = view->catalog.image_of(name);
      ImagePtr former = old != nullptr ? old->catalog.image_of(name) : nullptr;
      bool same = former && image && former->header().serial == image->header().serial;
      Notice why = former ? Notice::change : Notice::start;
      if (image && !same) notifier_.zone_changed(view->conf, zone, *image, snapshot->conf, why);
    }
  }
}

/// A zone that updates have changed: in service here and in the query processes, and the secondaries are told.
void ZoneServer::serve_updated(const ZoneId& zone, const ImagePtr& image) {
  const SnapshotPtr snapshot = responder_.snapshot();
  for (const auto& view : snapshot->views) {
    if (view->conf.name != zone.view) continue;
    ImagePtr former = view->catalog.image_of(zone.zone);
    bool same = former && former->header().serial == image->header().serial;
    responder_.serve(zone.view, zone.zone, image);
    if (!same) tell_secondaries(zone, *image);
    return;
  }
}

void ZoneServer::tell_secondaries(const ZoneId& zone, const ZoneImage& image) {
  const SnapshotPtr snapshot = responder_.snapshot();
  for (const auto& view : snapshot->views) {
    if (view->conf.name != zone.view) continue;
    const ZoneConf* conf = view->zones.exactly(zone.zone);
    if (conf != nullptr) notifier_.zone_changed(view->conf, *conf, image, snapshot->conf);
  }
}

void ZoneServer::post_answer(unsigned receiver, uint32_t ticket, std::string_view packet) {
  auto link = links_.find(receiver);
  if (link == links_.end()) return;
  PacketAnswer answer;
  answer.ticket = ticket;
  answer.packet = packet;
  link->second->post(ipc::encode(answer));
}

/// An IXFR over UDP.
event::Task<void> ZoneServer::answer_transfer(unsigned receiver, uint32_t ticket, TransferOrder order) {
  responder_.count_transfer(order);
  if (udp_transfers_ >= kMostUdpTransfers) order.incremental = false;
  ++udp_transfers_;
  // Shared: the thread that reads the journal may outlive this task.
  auto shared = std::make_shared<TransferOrder>(std::move(order));
  auto work = [shared] { return udp_transfer(std::move(*shared)); };
  std::string message = co_await readers_.run(std::move(work));
  --udp_transfers_;
  post_answer(receiver, ticket, message);
}

void ZoneServer::answer(unsigned receiver, const PacketRequest& request) {
  auto client = unpack_address(request.client);
  if (!client || !responder_.snapshot()) return;
  const net::IpAddress local = address_of(request.local);
  if (is_update(request.packet)) {
    auto address = net::IpAddress::from_sockaddr(reinterpret_cast<const sockaddr*>(&client->storage));
    if (!address) return;
    responder_.count(Transport::udp);
    updates_.take(
        request.packet, Requester{address->unmapped(), nullptr, local},
        [this, receiver, ticket = request.ticket](std::string_view bytes) { post_answer(receiver, ticket, bytes); });
    return;
  }
  const auto* address = reinterpret_cast<const sockaddr*>(&client->storage);
  if (auto order = responder_.transfer(request.packet, address, Transport::udp, local)) {
    responder_.count(Transport::udp);
    tasks_.spawn(answer_transfer(receiver, request.ticket, std::move(*order)));
    return;
  }
  std::optional<RecursiveOrder> later;
  size_t size =
      responder_.respond(request.packet, address, Transport::udp, {answer_.get(), kMostUdpAnswer}, local, &later);
  auto send = [this, receiver, ticket = request.ticket](std::string_view bytes) {
    post_answer(receiver, ticket, bytes);
  };
  if (later) return late_.ask(request.packet, std::move(*later), std::move(send));
  send({answer_.get(), size});
}

void ZoneServer::received(unsigned receiver, ipc::Packet packet) {
  if (packet.is<LogBatch>()) {
    auto batch = ipc::decode<LogBatch>(packet.bytes);
    if (batch) take_log(std::move(*batch));
    if (auto link = links_.find(receiver); link != links_.end()) link->second->post(ipc::encode(LogTaken()));
  } else if (packet.is<FeedDone>()) {
    if (auto done = ipc::decode<FeedDone>(packet.bytes)) publisher_.done(receiver, *done);
  } else if (packet.is<CacheCommandDone>()) {
    auto done = ipc::decode<CacheCommandDone>(packet.bytes);
    auto waiting = done ? cache_answers_.find(done->number) : cache_answers_.end();
    if (waiting == cache_answers_.end()) return;
    waiting->second->count = done->count;
    waiting->second->arrived.set();
  } else if (packet.is<RecursionReply>()) {
    if (receiver == kRecursion) late_.take(std::move(packet));
  } else if (packet.is<PacketRequest>()) {
    if (auto request = ipc::decode<PacketRequest>(packet.bytes)) answer(receiver, *request);
  } else if (packet.is<ConnectionRequest>() && packet.fds.size() == 1) {
    auto request = ipc::decode<ConnectionRequest>(packet.bytes);
    auto client = request ? unpack_address(request->client) : std::nullopt;
    if (client && responder_.snapshot()) tcp_.adopt(std::move(packet.fds[0]), *client, std::move(request->arrived));
  }
}

}  // namespace umaya::named
