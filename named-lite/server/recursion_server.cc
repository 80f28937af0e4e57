#include "named-lite/server/recursion_server.h"

#include <algorithm>

#include "libcommon/fs/file.h"
#include "libcommon/log/divert.h"
#include "named-lite/answer/query.h"
#include "named-lite/server/recursion_settings.h"

namespace umaya::named {

namespace {

uint32_t seconds_of(TimePoint now) {
  return static_cast<uint32_t>(std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch()).count());
}

std::optional<net::IpAddress> address_in(const std::string& octets) {
  const auto* bytes = reinterpret_cast<const uint8_t*>(octets.data());
  if (octets.size() == 4) return net::IpAddress::v4(bytes);
  if (octets.size() == 16) return net::IpAddress::v6(bytes);
  return std::nullopt;
}

bool is_name(std::string_view wire) {
  for (size_t at = 0; at < wire.size() && wire.size() <= kMaxName;) {
    auto length = static_cast<unsigned char>(wire[at]);
    if (length == 0) return at + 1 == wire.size();
    if (length > kMaxLabel) return false;
    at += 1 + size_t{length};
  }
  return false;
}

RecursiveAnswer failure() {
  RecursiveAnswer answer;
  answer.rcode = rcode::kServFail;
  return answer;
}

}  // namespace

RecursionServer::Engine::Engine(const Snapshot& snapshot, uint64_t config_mark, const ResolverClock& clock,
                                PageNumbers* page)
    : mark(config_mark),
      settings(recursion_settings_of(snapshot.conf)),
      sockets(upstream_options_of(snapshot.conf)),
      upstream(sockets, page),
      recursor(settings, upstream, clock) {
  auto created = AnswerCacheWriter::create(settings.answer_cache_bytes);
  if (created) {
    cache = std::move(*created);
  } else {
    log::error("answer cache: {}", created.error().what);
  }
}

RecursionServer::~RecursionServer() = default;

void RecursionServer::connect_zone(Fd fd) {
  receiver_ = FeedReceiver();  // a new process counts its files anew
  log_.restart();
  zone_ = std::make_shared<Link>(
      std::move(fd), [this](ipc::Packet packet) { from_zone(std::move(packet)); }, [this] { zone_.reset(); });
}

void RecursionServer::connect_query(unsigned number, Fd fd) {
  auto received = [this, number](ipc::Packet packet) { take_request(queries_[number], packet); };
  auto ended = [this, number] { queries_.erase(number); };
  auto& link = queries_[number];
  link = std::make_shared<Link>(std::move(fd), received, ended);
  show_cache(*link);
}

bool RecursionServer::take_line(log::Level level, std::string_view text) {
  if (!orders_.forward || !zone_ || level >= log::Level::fatal) return false;
  Category category = current_category() == Category::general ? Category::resolver : current_category();
  log_.add({category, level, log_time(), std::string(text)});
  return true;
}

void RecursionServer::from_zone(ipc::Packet packet) {
  if (packet.is<LogTaken>()) return log_.taken();
  if (packet.is<LogOrders>()) {
    auto orders = ipc::decode<LogOrders>(packet.bytes);
    if (orders) orders_ = *orders;
    return log::set_verbosity(static_cast<int>(orders_.debug));
  }
  if (packet.is<CacheCommand>()) {
    auto command = ipc::decode<CacheCommand>(packet.bytes);
    if (command) obey(*command, packet.fds);
    return;
  }
  if (packet.is<RecursionRequest>()) return take_request(zone_, packet);
  if (packet.is<RecursionKeys>()) {
    auto keys = ipc::decode<RecursionKeys>(packet.bytes);
    return keys ? take_keys(tsig_keys(*keys)) : void();
  }
  auto exchanged = receiver_.take(packet.bytes, std::move(packet.fds));
  if (!exchanged) {
    log::error("the zone process sent what it must not: {}; what was known before stays", exchanged.error().what);
    zone_->close();
    return hooks_.trouble();
  }
  if (!*exchanged) return;
  take_up();
  FeedDone done;
  done.number = receiver_.number();
  zone_->post(ipc::encode(done));
}

/// Secrets may change though the text of the configuration, from which they are taken away, does not.
void RecursionServer::take_keys(TsigKeys keys) {
  keys_ = std::move(keys);
  if (engine_) engine_->sockets.set_keys(keys_);
}

void RecursionServer::take_up() {
  SnapshotPtr snapshot = receiver_.snapshot();
  bool first = !engine_;
  if (!engine_ || engine_->mark != receiver_.config_mark()) {
    former_ = std::exchange(engine_, std::make_unique<Engine>(*snapshot, receiver_.config_mark(), clock_, page_));
    engine_->sockets.set_keys(keys_);
    for (auto& [number, link] : queries_) show_cache(*link);
  }
  engine_->recursor.replace(snapshot);
  ++engine_->zones;
  if (engine_->cache) engine_->cache->flush_own();
  publish(*engine_);
  if (first) hooks_.ready();
}

void RecursionServer::publish(Engine& engine) const {
  if (page_ != nullptr) engine.counters.publish(engine.recursor, engine.cache.get(), *page_);
}

void RecursionServer::show_cache(Link& query) const {
  if (!engine_ || !engine_->cache) return;
  CacheHandles handles;
  handles.config_mark = engine_->mark;
  // Copies: send() is on its way when a new configuration closes these.
  Fd cache(fcntl(engine_->cache->cache_fd().get(), F_DUPFD_CLOEXEC, 0));
  Fd marks(fcntl(engine_->cache->marks_fd().get(), F_DUPFD_CLOEXEC, 0));
  if (!cache || !marks) return;
  std::vector<Fd> fds;
  fds.push_back(std::move(cache));
  fds.push_back(std::move(marks));
  query.post(ipc::encode(handles), std::move(fds));
}

RecursionServer::Engine* RecursionServer::engine_for(uint64_t mark) const {
  if (engine_ && engine_->mark == mark) return engine_.get();
  return former_ && former_->mark == mark ? former_.get() : nullptr;
}

void RecursionServer::take_request(const Asker& asker, const ipc::Packet& packet) {
  auto request = ipc::decode<RecursionRequest>(packet.bytes);
  if (!request || !is_name(request->name)) return;
  Engine* engine = engine_for(request->config_mark);
  if (engine == nullptr) {
    if (!request->refresh) reply(asker, request->ticket, failure());
    return;
  }
  ++questions_;
  engine->tasks.spawn(answer(*engine, asker, std::move(*request)));
}

event::Task<void> RecursionServer::answer(Engine& engine, Asker asker, RecursionRequest request) {
  RecursiveQuestion question;
  question.name = Name::from_wire(request.name);
  question.type = request.type;
  question.view = request.view;
  question.dnssec_ok = request.dnssec_ok;
  question.checking_disabled = request.checking_disabled;
  question.client = address_in(request.client).value_or(net::IpAddress());
  uint64_t zones = engine.zones;
  RecursiveAnswer answer = co_await engine.recursor.resolve(std::move(question));
  bool of_before = answer.has_own_data && zones != engine.zones;
  if (engine.cache && !of_before) {
    Name name = Name::from_wire(request.name).lower();
    AnswerKey key{name.wire(), request.type, request.view, request.dnssec_ok, request.checking_disabled};
    // What lives for a short time only, or is about to end, is not worth a second fetch.
    uint32_t refresh = answer.ttl >= engine.settings.prefetch_eligible ? engine.settings.prefetch_trigger : 0;
    engine.cache->put(key, answer, seconds_of(monotonic_now()), refresh);
  }
  publish(engine);
  if (!request.refresh) reply(asker, request.ticket, std::move(answer));
}

void RecursionServer::reply(const Asker& asker, uint32_t ticket, RecursiveAnswer answer) {
  auto link = asker.lock();
  if (!link) return;
  RecursionReply message;
  message.ticket = ticket;
  message.rcode = answer.rcode;
  message.authentic = answer.authentic;
  message.extended_error = answer.extended_error;
  message.answers = answer.counts[0];
  message.authorities = answer.counts[1];
  message.additionals = answer.counts[2];
  message.body = std::move(answer.body);
  message.dropped = answer.dropped;
  link->post(ipc::encode(message));
}

void RecursionServer::obey(const CacheCommand& command, const std::vector<Fd>& fds) {
  CacheCommandDone done;
  done.number = command.number;
  if (engine_) {
    done.count = carry_out(command, fds);
    publish(*engine_);
  }
  zone_->post(ipc::encode(done));
}

uint64_t RecursionServer::carry_out(const CacheCommand& command, const std::vector<Fd>& fds) {
  Recursor& recursor = engine_->recursor;
  AnswerCacheWriter* cache = engine_->cache.get();
  if (command.what == CacheCommand::What::flush) {
    recursor.flush();
    if (cache != nullptr) cache->clear();
    return 0;
  }
  if (command.what == CacheCommand::What::dump) {
    std::string text;
    uint64_t lines = 0;
    recursor.dump([&](const std::string& line) {
      text += line;
      if (!line.ends_with('\n')) text += '\n';
      ++lines;
    });
    if (fds.size() == 1 && !fs::write_all(fds[0].get(), text)) log::error("the cache could not be written");
    return lines;
  }
  if (!is_name(command.name)) return 0;
  bool tree = command.what == CacheCommand::What::flush_tree;
  Name name = Name::from_wire(command.name);
  uint64_t count = tree ? recursor.flush_tree(name) : recursor.flush_name(name);
  if (cache != nullptr) {
    count += cache->flush(name.lower().wire(), tree ? RrsetCache::Range::tree : RrsetCache::Range::name);
  }
  return count;
}

}  // namespace umaya::named
