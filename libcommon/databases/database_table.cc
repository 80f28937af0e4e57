#include "libcommon/databases/database_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "libcommon/base/strings.h"
#include "libcommon/log/log.h"
#include "libcommon/table/settle.h"

namespace umaya::databases {
namespace {

constexpr Duration kWaitLimit = std::chrono::seconds(20);
constexpr Duration kLookupLimit = std::chrono::seconds(60);
constexpr size_t kLongestKey = 4096;

/// Gives a slot back, also when the look-up is cancelled.
class Slot {
 public:
  explicit Slot(event::Semaphore& slots) : slots_(slots) {}
  Slot(const Slot&) = delete;
  Slot& operator=(const Slot&) = delete;
  ~Slot() { slots_.release(); }

 private:
  event::Semaphore& slots_;
};

}  // namespace

int Deadline::milliseconds_left() const {
  auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end_ - monotonic_now()).count();
  return left < 0 ? 0 : static_cast<int>(left) + 1;
}

DatabaseTable::DatabaseTable(std::string name, const table::Options& options, EnginePtr engine, std::string file)
    : Table(std::move(name)),
      engine_(std::move(engine)),
      fold_(options.fold),
      file_(std::move(file)),
      identity_(file_.empty() ? table::FileIdentity() : table::FileIdentity::of(file_)),
      domains_(table::MatchList::parse(options, "domain", engine_->plan.domains, table::MatchKind::exact)),
      hosts_(engine_->hosts, engine_->order, engine_->retry_interval),
      slots_(engine_->connections),
      workers_(std::make_unique<event::WorkerPool>(engine_->connections)),
      unused_([this] { close_unused(); }) {}

DatabaseTable::~DatabaseTable() = default;

bool DatabaseTable::changed() const {
  return !file_.empty() && !(table::FileIdentity::of(file_) == identity_);
}

bool DatabaseTable::may_be_asked(std::string_view key) const {
  bool is_text = !key.empty() && key.size() <= kLongestKey && key.find('\0') == std::string_view::npos;
  if (!is_text || !valid_utf8(key)) return false;
  SplitKey split(key);
  if (!engine_->plan.domains.empty() && (split.domain().empty() || split.user().empty())) return false;
  return engine_->plan.needs.met_by(split);
}

std::optional<table::Lookup> DatabaseTable::lookup_now(std::string_view key) {
  if (!may_be_asked(key)) return table::Lookup();
  return {};
}

event::Task<table::Match> DatabaseTable::is_in_domains(std::string_view domain) {
  if (engine_->plan.domains.empty()) co_return table::Match::yes;
  domains_.refresh();
  auto question = [this, domain] { return domains_.matches(domain); };
  co_return co_await table::settle(std::move(question));
}

event::Task<table::Lookup> DatabaseTable::lookup(std::string key) {
  if (fold_ == table::CaseRule::fold) key = table::fold_case(key);
  if (!may_be_asked(key)) co_return table::Lookup();
  table::Match match = co_await is_in_domains(SplitKey(key).domain());
  if (match == table::Match::no) co_return table::Lookup();
  if (match == table::Match::error) co_return table::Lookup::failed(name() + ": " + domains_.error().what);
  if (!co_await slots_.acquire(kWaitLimit)) {
    co_return table::Lookup::failed(fmt::format("{}: all {} connections are busy", name(), engine_->connections));
  }
  Slot slot(slots_);
  co_return co_await ask_hosts(std::move(key));
}

event::Task<table::Lookup> DatabaseTable::ask_hosts(std::string key) {
  std::vector<bool> tried(hosts_.size());
  std::string why = "no host can be asked; the last ones that were asked are down";
  const TimePoint end = monotonic_now() + kLookupLimit;
  while (monotonic_now() < end) {
    std::optional<Turn> turn = next_turn(tried);
    if (!turn) break;
    const bool was_idle = turn->connection != nullptr;
    auto work = [engine = engine_, host = turn->host, connection = std::move(turn->connection), key]() mutable {
      return run(*engine, host, std::move(connection), key);
    };
    Outcome outcome = co_await workers_->run(std::move(work));
    if (outcome.connection) keep(turn->host, std::move(outcome.connection));
    if (outcome.attempt.saw_empty) {
      log::warning("table \"{}\": empty lookup result for: \"{}\" -- ignored", name(), printable(key, true));
    }
    if (note(turn->host, was_idle, outcome.attempt, tried)) {
      if (!outcome.attempt.answer.is_error()) co_return std::move(outcome.attempt.answer);
      co_return table::Lookup::failed(name() + ": " + outcome.attempt.answer.error().what);
    }
    why = engine_->hosts[turn->host].shown + ": " + outcome.attempt.answer.error().what;
  }
  co_return table::Lookup::failed(name() + ": " + why);
}

bool DatabaseTable::note(size_t host, bool was_idle, const Attempt& attempt, std::vector<bool>& tried) {
  if (attempt.verdict == Verdict::answered) {
    hosts_.mark_up(host);
    return true;
  }
  if (attempt.verdict == Verdict::lost && was_idle) {
    close_all(host);  // the database was started again, it seems
    return false;
  }
  tried[host] = true;
  log::warning("{}: {}: {}", name(), engine_->hosts[host].shown, attempt.answer.error().what);
  if (attempt.verdict != Verdict::refused) {
    hosts_.mark_down(host, monotonic_now());
    close_all(host);
  }
  return false;
}

std::optional<DatabaseTable::Turn> DatabaseTable::next_turn(const std::vector<bool>& tried) {
  auto best = idle_.end();
  for (auto at = idle_.begin(); at != idle_.end(); ++at) {
    if (tried[at->host]) continue;
    bool is_better = best == idle_.end() || hosts_.kind(at->host) < hosts_.kind(best->host);
    if (is_better) best = at;
  }
  Turn turn;
  if (best != idle_.end()) {
    turn.host = best->host;
    turn.connection = std::move(best->connection);
    idle_.erase(best);
    return turn;
  }
  auto host = hosts_.choose(tried, monotonic_now());
  if (!host) return {};
  turn.host = *host;
  return turn;
}

DatabaseTable::Outcome DatabaseTable::run(const Engine& engine, size_t host, ConnectionPtr connection,
                                          const std::string& key) {
  Outcome outcome;
  if (!connection) {
    auto made = engine.connect(engine.hosts[host]);
    if (!made) {
      outcome.attempt = failed_attempt(Verdict::lost, made.error().what);
      return outcome;
    }
    connection = std::move(*made);
  }
  outcome.attempt = connection->ask(key);
  bool is_good = outcome.attempt.verdict == Verdict::answered || outcome.attempt.verdict == Verdict::refused;
  if (is_good) outcome.connection = std::move(connection);
  return outcome;
}

void DatabaseTable::keep(size_t host, ConnectionPtr connection) {
  Idle idle;
  idle.connection = std::move(connection);
  idle.host = host;
  idle.since = monotonic_now();
  idle_.push_front(std::move(idle));
  if (!unused_.armed()) unused_.arm(engine_->idle_interval);
}

void DatabaseTable::close_all(size_t host) {
  std::list<Idle> ended;
  for (auto at = idle_.begin(); at != idle_.end();) {
    auto here = at++;
    if (here->host == host) ended.splice(ended.end(), idle_, here);
  }
  if (!ended.empty()) closing_.spawn(close(workers_.get(), std::move(ended)));
}

void DatabaseTable::close_unused() {
  std::list<Idle> ended;
  const TimePoint limit = monotonic_now() - engine_->idle_interval;
  while (!idle_.empty() && idle_.back().since <= limit) ended.splice(ended.end(), idle_, std::prev(idle_.end()));
  if (!ended.empty()) closing_.spawn(close(workers_.get(), std::move(ended)));
  if (!idle_.empty()) unused_.arm(idle_.back().since - limit);
}

/// To say good-bye may block.
event::Task<void> DatabaseTable::close(event::WorkerPool* workers, std::list<Idle> connections) {
  auto work = [ended = std::move(connections)]() mutable {
    ended.clear();
    return true;
  };
  (void)co_await workers->run(std::move(work));
}

}  // namespace umaya::databases
