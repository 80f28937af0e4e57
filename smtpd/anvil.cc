#include "smtpd/anvil.h"

#include "libcommon/event/loop.h"
#include "libcommon/log/log.h"

namespace umaya::smtpd {

using event::Task;
namespace anvil = services::anvil;

static constexpr size_t kMaxClients = 100'000;

void AnvilCounts::raise(Peak& peak, uint32_t value, const std::string& key) {
  if (value <= peak.value) return;
  peak = {value, key, wall_seconds()};
}

void AnvilCounts::forget_idle(TimePoint now) {
  std::erase_if(clients_,
                [&](const auto& entry) { return entry.second.connections == 0 && now - entry.second.start >= unit_; });
  if (clients_.size() < kMaxClients) return;
  std::erase_if(clients_, [](const auto& entry) { return entry.second.connections == 0; });
}

anvil::Counts AnvilCounts::count(anvil::Event event, const std::string& key, TimePoint now) {
  if (clients_.size() >= kMaxClients) forget_idle(now);
  Client& client = clients_[key];
  if (now - client.start >= unit_) {
    std::fill(std::begin(client.rates), std::end(client.rates), 0u);
    client.start = now;
  }
  auto index = static_cast<size_t>(event);
  if (index >= kEvents) return {client.connections, 0};
  if (event == anvil::Event::connect) {
    ++client.connections;
    raise(connection_peak_, client.connections, key);
  }
  ++client.rates[index];
  raise(rate_peaks_[index], client.rates[index], key);
  raise(size_peak_, static_cast<uint32_t>(clients_.size()), key);
  return {client.connections, client.rates[index]};
}

void AnvilCounts::disconnect(const std::string& key, TimePoint now) {
  auto entry = clients_.find(key);
  if (entry == clients_.end()) return;
  if (entry->second.connections > 0) --entry->second.connections;
  if (entry->second.connections == 0 && now - entry->second.start >= unit_) clients_.erase(entry);
}

void AnvilCounts::log_statistics() {
  forget_idle(monotonic_now());
  auto log_rate = [&](anvil::Event event, std::string_view name) {
    Peak& peak = rate_peaks_[static_cast<size_t>(event)];
    if (peak.value == 0) return;
    log::info("statistics: max {} rate {}/{}s for ({}) at {}", name, peak.value,
              std::chrono::duration_cast<std::chrono::seconds>(unit_).count(), peak.key, syslog_time(peak.seconds));
    peak = {};
  };
  log_rate(anvil::Event::connect, "connection");
  if (connection_peak_.value > 0) {
    log::info("statistics: max connection count {} for ({}) at {}", connection_peak_.value, connection_peak_.key,
              syslog_time(connection_peak_.seconds));
  }
  connection_peak_ = {};
  log_rate(anvil::Event::message, "message");
  log_rate(anvil::Event::recipient, "recipient");
  log_rate(anvil::Event::tls_session, "newtls");
  log_rate(anvil::Event::auth, "auth");
  if (size_peak_.value > 0) {
    log::info("statistics: max cache size {} at {}", size_peak_.value, syslog_time(size_peak_.seconds));
  }
  size_peak_ = {};
}

/// Takes the connections of a worker back when it has gone, however it went.
class WorkerConnections {
 public:
  explicit WorkerConnections(AnvilCounts& counts) : counts_(counts) {}
  WorkerConnections(const WorkerConnections&) = delete;
  WorkerConnections& operator=(const WorkerConnections&) = delete;
  ~WorkerConnections() {
    for (auto& [key, open] : open_) {
      for (; open > 0; --open) counts_.disconnect(key, monotonic_now());
    }
  }
  void connect(const std::string& key) { ++open_[key]; }
  void disconnect(const std::string& key) {
    auto entry = open_.find(key);
    if (entry == open_.end()) return;
    counts_.disconnect(key, monotonic_now());
    if (--entry->second == 0) open_.erase(entry);
  }

 private:
  AnvilCounts& counts_;
  StringMap<uint32_t> open_;
};

/// What is asked or told about log-ins.
static anvil::Counts serve_login(RecentLoginTable& logins, const anvil::Count& question) {
  if (question.event == anvil::Event::login) {
    logins.add(question.client, monotonic_now());
    return {};
  }
  return {0, logins.has(question.client, monotonic_now()) ? 1u : 0u};
}

Task<void> serve_anvil(AnvilState* state, Fd fd) {
  ipc::Channel channel(std::move(fd));
  AnvilCounts* counts = &state->counts;
  WorkerConnections connections(*counts);
  while (true) {
    Result<anvil::Count> question = co_await channel.receive<anvil::Count>();
    if (!question) co_return;
    std::string key = question->service + ":" + question->client;
    if (question->event == anvil::Event::disconnect) {
      connections.disconnect(key);
      continue;
    }
    bool about_login = question->event == anvil::Event::login || question->event == anvil::Event::recent_login;
    if (question->event == anvil::Event::connect) connections.connect(key);
    anvil::Counts answer;
    if (about_login) answer = serve_login(state->logins, *question);
    if (question->event == anvil::Event::login) continue;
    if (!about_login) answer = counts->count(question->event, key, monotonic_now());
    Result<void> sent = co_await channel.send(answer, {}, std::chrono::seconds(10));
    if (!sent) co_return;
  }
}

}  // namespace umaya::smtpd
