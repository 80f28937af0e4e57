#include "named-lite/recursion/recursor.h"

#include <algorithm>
#include <cstring>

#include "libcommon/base/bytes.h"
#include "libcommon/base/strings.h"
#include "named-lite/answer/query.h"
#include "named-lite/dns/types.h"
#include "named-lite/recursion/answer_body.h"
#include "named-lite/recursion/counted.h"
#include "named-lite/recursion/fetch.h"
#include "named-lite/recursion/hints.h"

namespace umaya::named {

namespace {

constexpr size_t kFailureBytes = size_t{1} << 20;
constexpr uint32_t kLongestFailure = 30;  // seconds (RFC 9520 3.2)
constexpr uint32_t kMostDoublings = 5;
constexpr size_t kMoreClients = 5;  // as BIND counts clients-per-query
constexpr std::chrono::minutes kFewerClients{20};
constexpr uint8_t kAddressLookups = 30;

/// Types that are questions to a server and not records of a name.
bool is_meta(uint16_t type) {
  return type == 0 || type == type::kOpt || (type >= type::kTkey && type < type::kAny);
}

std::string failure_key(const FetchKey& key) {
  std::string octets;
  ByteWriter(octets).be16(key.view).be16(key.type).bytes(key.name);
  return octets;
}

FetchResultPtr failure(uint16_t error, bool keep, bool drop = false) {
  FetchResult result;
  result.drop = drop;
  result.rcode = rcode::kServFail;
  result.error = error;
  result.keep_failure = keep;
  return std::make_shared<const FetchResult>(std::move(result));
}

/// Would waiting for this flight mean to wait for oneself?
bool leads_back(const Flight* flight, const Flight* waiter) {
  for (; flight != nullptr && waiter != nullptr; flight = flight->waits_for) {
    if (flight == waiter) return true;
  }
  return false;
}

/// An answer as it grows from alias to alias.
class Composer {
 public:
  explicit Composer(const RecursiveQuestion& question)
      : body_(question.name.wire()), with_signatures_(question.dnssec_ok) {}

  /// False: it does not fit into a message.
  bool add(const Entry& entry) {
    bool negative = entry.outcome == Outcome::no_data || entry.outcome == Outcome::no_name;
    if (entry.outcome == Outcome::no_name) rcode_ = rcode::kNxDomain;
    if (negative && entry.sets.empty()) keep_ = false;
    if (entry.outcome == Outcome::alias) aliases_ = true;
    for (const RrSet& set : entry.sets) {
      bool proof = set.type == type::kNsec || set.type == type::kNsec3;
      if (negative && proof && !with_signatures_) continue;
      if (!body_.add(negative ? Section::authority : Section::answer, set, with_signatures_)) return false;
    }
    return true;
  }
  /// What was added is, in part, of a zone of ours.
  void note_own() { own_ = true; }
  RecursiveAnswer finish(uint16_t rcode = rcode::kNoError) {
    RecursiveAnswer answer;
    answer.rcode = rcode != rcode::kNoError ? rcode : rcode_;
    answer.has_aliases = aliases_;
    answer.has_own_data = own_;
    body_.finish(answer);
    if (!keep_) answer.ttl = 0;
    return answer;
  }

 private:
  AnswerBody body_;
  bool with_signatures_;
  bool keep_ = true;
  bool aliases_ = false;
  bool own_ = false;
  uint16_t rcode_ = rcode::kNoError;
};

/// The name at the end of an alias, lower case.
std::string alias_target(const Entry& entry) {
  std::string target = entry.sets.back().data.front();
  for (char& c : target) c = ascii_lower(c);
  return target;
}

RecursiveAnswer error_answer(uint16_t rcode, uint16_t error, uint32_t ttl) {
  RecursiveAnswer answer;
  answer.rcode = rcode;
  answer.extended_error = error;
  answer.ttl = ttl;
  return answer;
}

}  // namespace

Recursor::Recursor(RecursionSettings settings, Upstream& upstream, const ResolverClock& clock)
    : settings_(std::move(settings)),
      upstream_(upstream),
      clock_(clock),
      cache_(settings_.cache_bytes - settings_.cache_bytes / 8),
      delegations_(settings_.cache_bytes / 8),
      servers_(settings_.server_bytes),
      failures_(kFailureBytes),
      clients_per_query_(settings_.limits.clients_per_query) {
  if (settings_.views.empty()) settings_.views.emplace_back();
  for (const ViewRecursion& view : settings_.views) {
    routes_.emplace_back(view);
    hints_.push_back(root_from_hints(view.hints, settings_.port));
  }
}

WorkPtr Recursor::new_work() const {
  Work work{now() + settings_.limits.question_time, settings_.limits.queries_per_question, kAddressLookups};
  return std::make_shared<Work>(work);
}

const Catalog* Recursor::catalog(uint16_t view) const {
  return snapshot_ && view < snapshot_->views.size() ? &snapshot_->views[view]->catalog : nullptr;
}

const ServedZone* Recursor::own_zone(uint16_t view, std::string_view name, uint16_t type) const {
  const Catalog* zones = catalog(view);
  if (zones == nullptr) return nullptr;
  SuffixHashes hashes(name, zones->seed());
  const ServedZone* zone = zones->find(hashes, hashes.labels());
  bool of_parent = zone != nullptr && type == type::kDs && zone->name == name && hashes.labels() > 0;
  return of_parent ? zones->find(hashes, hashes.labels() - 1) : zone;
}

bool Recursor::is_for_all(uint16_t view, const ServedZone& zone) const {
  const ServedView& served = *snapshot_->views[view];
  if (served.matches_all) return true;
  const ZoneConf* conf = served.zones.exactly(zone.name);
  const ZoneSettings& of_view = *served.conf.settings;
  return conf == nullptr || (conf->settings->allow_query == of_view.allow_query &&
                             conf->settings->allow_query_on == of_view.allow_query_on);
}

std::optional<Entry> Recursor::known(uint16_t view, std::string_view name, uint16_t type) {
  if (own_zone(view, name, type) != nullptr || routes_[view].find(name).kind == RouteKind::special) return std::nullopt;
  std::optional<Entry> entry = cache_.find(view, name, type, now());
  bool may_be_alias = type != type::kCname && type != type::kAny;
  if (!entry && may_be_alias) {
    entry = cache_.find(view, name, type::kCname, now());
    if (entry && entry->outcome == Outcome::no_data) entry.reset();
  }
  // A CNAME is an alias or what was asked for, however it was learned.
  if (entry && entry->outcome == Outcome::alias && type == type::kCname) entry->outcome = Outcome::found;
  if (entry && entry->outcome == Outcome::found && type != type::kAny && entry->sets.back().type != type) {
    entry->outcome = Outcome::alias;
  }
  if (!entry) entry = cache_.find(view, name, RrsetCache::kNoName, now());
  return entry;
}

bool Recursor::has_failed(const FetchKey& key) {
  std::span<char> found = failures_.find(failure_key(key));
  if (found.data() == nullptr) return false;
  Failure failure;
  std::memcpy(&failure, found.data(), sizeof failure);
  return failure.until > now().time_since_epoch().count();
}

void Recursor::note_failure(const FetchKey& key, const FetchResult& result) {
  ++counters_.failures;
  if (!result.keep_failure || settings_.failure_ttl == 0) return;
  Failure failure{0, 0};
  std::span<char> found = failures_.find(failure_key(key));
  if (found.data() != nullptr) std::memcpy(&failure, found.data(), sizeof failure);
  failure.count = std::min<uint32_t>(failure.count + 1, kMostDoublings + 1);
  uint32_t pause = std::min(kLongestFailure, settings_.failure_ttl << (failure.count - 1));
  failure.until = (now() + std::chrono::seconds(pause)).time_since_epoch().count();
  failures_.put(failure_key(key), {reinterpret_cast<const char*>(&failure), sizeof failure});
}

event::Task<void> Recursor::run_fetch(FlightPtr flight, WorkPtr work, int depth) {
  Fetch fetch(*this, *flight, std::move(work), depth);
  FetchResult result = co_await fetch.run();
  flight->result = std::make_shared<const FetchResult>(std::move(result));
  flights_.erase(flight->key);
  note_crowd(*flight);
  flight->done.set();
}

/// clients-per-query: may one more client wait?
bool Recursor::is_crowded(Flight& flight) {
  if (clients_per_query_ == 0 || flight.waiting < clients_per_query_) return false;
  flight.too_many = true;
  ++counters_.over_limit;
  return true;
}

/// As with BIND: more may wait from now on where the answer came, one less each time that nothing happened for long.
void Recursor::note_crowd(const Flight& flight) {
  const WorkLimits& limits = settings_.limits;
  if (flight.too_many && flight.result->outcome != Outcome::failed) {
    clients_per_query_ = std::min<size_t>(clients_per_query_ + kMoreClients,
                                          std::max(limits.most_clients_per_query, limits.clients_per_query));
    crowd_since_ = now();
  } else if (clients_per_query_ > limits.clients_per_query && now() - crowd_since_ >= kFewerClients) {
    --clients_per_query_;
    crowd_since_ = now();
  }
}

event::Task<FetchResultPtr> Recursor::join(FetchKey key, WorkPtr work, int depth, Flight* waiter) {
  FlightPtr flight;
  auto found = flights_.find(key);
  if (found != flights_.end()) {
    flight = found->second;
    if (leads_back(flight.get(), waiter)) co_return failure(extended_error::kNone, true);
    if (waiter == nullptr && is_crowded(*flight)) co_return failure(extended_error::kNone, false, true);
    ++counters_.joined;
  } else {
    if (flights_.size() >= size_t{settings_.limits.questions} * 2) {
      ++counters_.over_limit;
      co_return failure(extended_error::kNone, false);
    }
    flight = std::make_shared<Flight>();
    flight->key = std::move(key);
    flights_.emplace(flight->key, flight);
    ++counters_.fetches;
    if (waiter != nullptr) waiter->waits_for = flight.get();  // it may come round to the waiter at once
    tasks_.spawn(run_fetch(flight, work, depth));
  }
  if (!flight->result) {
    if (waiter != nullptr) waiter->waits_for = flight.get();
    Counted waiting(flight->waiting);
    Duration left = std::max<Duration>(work->until - now(), Duration(1));
    co_await flight->done.wait(left);
  }
  if (waiter != nullptr) waiter->waits_for = nullptr;
  if (flight->result) co_return flight->result;
  co_return failure(extended_error::kNoReachableAuthority, true);
}

event::Task<void> Recursor::refresh_task(FetchKey key) {
  WorkPtr work = new_work();
  FetchResultPtr result = co_await join(key, std::move(work), 0, nullptr);
  if (result->outcome == Outcome::failed) note_failure(key, *result);
}

void Recursor::maybe_refresh(const FetchKey& key, const Entry& entry) {
  if (entry.ttl > settings_.prefetch_trigger || entry.original_ttl < settings_.prefetch_eligible) return;
  if (settings_.prefetch_trigger == 0 || flights_.contains(key) || has_failed(key)) return;
  ++counters_.prefetches;
  tasks_.spawn(refresh_task(key));
}

void Recursor::refresh(const RecursiveQuestion& question) {
  if (question.view >= routes_.size() || is_meta(question.type)) return;
  FetchKey key{question.view, question.type, std::string(question.name.lower().wire())};
  if (flights_.contains(key) || has_failed(key)) return;
  ++counters_.prefetches;
  tasks_.spawn(refresh_task(std::move(key)));
}

/// What is known of a name as if it had just been fetched; null when that is nothing.
FetchResultPtr Recursor::from_cache(const FetchKey& key) {
  std::optional<Entry> entry = known(key.view, key.name, key.type);
  if (!entry) return nullptr;
  ++counters_.cache_hits;
  maybe_refresh(key, *entry);
  FetchResult hit;
  hit.outcome = entry->outcome;
  if (hit.outcome == Outcome::alias) hit.next = alias_target(*entry);
  hit.steps.push_back({key.name, key.type, std::move(*entry)});
  return std::make_shared<const FetchResult>(std::move(hit));
}

event::Task<RecursiveAnswer> Recursor::resolve(RecursiveQuestion question) {
  ++counters_.questions;
  if (is_meta(question.type) || question.view >= routes_.size()) {
    co_return error_answer(question.view >= routes_.size() ? rcode::kRefused : rcode::kNotImp, extended_error::kNone,
                           0);
  }
  if (questions_ >= settings_.limits.questions) {
    ++counters_.over_limit;
    co_return error_answer(rcode::kServFail, extended_error::kOther, 0);
  }
  Counted in_work(questions_);
  const uint32_t failure_ttl = std::min(settings_.failure_ttl, 1u);
  WorkPtr work = new_work();
  Composer composer(question);
  FetchKey key{question.view, question.type, std::string(question.name.lower().wire())};
  for (int restarts = 0; restarts <= settings_.limits.restarts;) {
    FetchResultPtr fetched = from_cache(key);
    if (!fetched && has_failed(key))
      co_return error_answer(rcode::kServFail, extended_error::kCachedError, failure_ttl);
    if (!fetched) fetched = co_await join(key, work, 0, nullptr);
    if (fetched->of_own_zone) composer.note_own();
    for (const Step& step : fetched->steps) {
      if (!composer.add(step.entry)) co_return error_answer(rcode::kServFail, extended_error::kOther, 0);
      if (step.entry.outcome == Outcome::alias) ++restarts;
    }
    if (fetched->outcome == Outcome::failed) {
      if (fetched->rcode == rcode::kYxDomain) co_return composer.finish(rcode::kYxDomain);
      note_failure(key, *fetched);
      RecursiveAnswer failed = error_answer(rcode::kServFail, fetched->error, fetched->keep_failure ? failure_ttl : 0);
      failed.dropped = fetched->drop;
      co_return failed;
    }
    if (fetched->outcome != Outcome::alias) co_return composer.finish();
    key.name = fetched->next;
  }
  co_return error_answer(rcode::kServFail, extended_error::kOther, failure_ttl);
}

void Recursor::flush() {
  cache_.clear();
  delegations_.clear();
  servers_.clear();
  failures_.clear();
}

size_t Recursor::flush_name(const Name& name) {
  failures_.filter([&](std::string_view key, std::span<char>) { return !same_name(key.substr(4), name.wire()); });
  return cache_.flush(name.lower().wire(), RrsetCache::Range::name);
}

size_t Recursor::flush_tree(const Name& name) {
  failures_.filter([&](std::string_view key, std::span<char>) { return !is_at_or_below(key.substr(4), name.wire()); });
  delegations_.flush_tree(name.lower().wire());
  return cache_.flush(name.lower().wire(), RrsetCache::Range::tree);
}

void Recursor::dump(const std::function<void(const std::string&)>& line) {
  cache_.dump(now(), line);
}

size_t Recursor::memory() const {
  return cache_.bytes() + delegations_.bytes() + servers_.bytes() + failures_.bytes();
}

}  // namespace umaya::named
