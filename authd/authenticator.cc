#include "authd/authenticator.h"

#include <sys/resource.h>

#include <algorithm>

#include "authd/sources/passwd_file_source.h"
#include "authd/sources/static_source.h"
#include "authd/sources/system_source.h"
#include "authd/sources/table_source.h"
#include "libcommon/base/strings.h"
#include "libcommon/log/log.h"

namespace umaya::authd {

using auth::AuthStatus;
using auth::Hash;

namespace {

constexpr size_t kSaltSize = 16;
constexpr int kNiceness = 5;

/// Mail goes before hashes: a flood of log-ins takes what processor time is left. Counts for the thread that calls.
void step_back() {
  thread_local bool is_done = false;
  if (!is_done) (void)setpriority(PRIO_PROCESS, 0, kNiceness);
  is_done = true;
}

FairQueueOptions queue_of(size_t slots, const Params& params) {
  FairQueueOptions options;
  options.slots = slots;
  options.most_waiting = static_cast<size_t>(params.queue_limit);
  return options;
}

bool allowed_from(const auth::PasswdEntry& entry, const std::string& remote) {
  if (entry.allow_nets.empty()) return true;
  auto address = net::IpAddress::parse(remote);
  return address && std::any_of(entry.allow_nets.begin(), entry.allow_nets.end(),
                                [&](const net::Network& network) { return network.contains(*address); });
}

Result<std::unique_ptr<Source>> make_source(const std::string& name, const Params& params,
                                            const table::Options& tables) {
  auth::PasswdRules rules{params.default_scheme, params.allow_weak_schemes};
  if (name == "passwd-file") return std::make_unique<PasswdFileSource>(params.passwd_file, rules);
  if (name == "system") {
    return std::make_unique<SystemSource>(params.default_realm, static_cast<uint32_t>(params.first_valid_uid));
  }
  if (name == "tables") {
    if (params.password_maps.empty()) return permanent("auth_sources names tables: set auth_password_maps, too");
    table::Options exact = tables;
    exact.substitution = table::Substitution::refused;
    return std::make_unique<TableSource>(table::Maps::open(exact, "auth_password_maps", params.password_maps), rules);
  }
  if (name == "static") {
    if (params.static_password.empty()) return std::make_unique<StaticSource>(std::nullopt);
    auto password = auth::StoredPassword::parse(params.static_password, params.default_scheme);
    if (!password) return permanent("auth_static_password: " + password.error().what);
    return std::make_unique<StaticSource>(std::move(*password));
  }
  return permanent("auth_sources: \"" + name + "\" is unknown: write passwd-file, system, tables or static");
}

}  // namespace

Result<std::vector<std::unique_ptr<Source>>> make_sources(const Params& params, const table::Options& tables) {
  std::vector<std::unique_ptr<Source>> sources;
  for (const std::string& name : params.sources) {
    UMAYA_TRY(auto source, make_source(to_lower(name), params, tables));
    sources.push_back(std::move(source));
  }
  if (sources.empty()) return permanent("auth_sources is empty: write passwd-file, system, tables or static");
  return sources;
}

Authenticator::Authenticator(const Params& params, const table::Options& tables, std::string salt_key, size_t threads,
                             SystemHelper* helper)
    : params_(params),
      names_{params.default_realm, params.fold_user_names},
      user_data_(params, tables),
      salt_key_(std::move(salt_key)),
      helper_(helper),
      cache_(params.cache_ttl),
      penalties_({params.failure_delay, params.failure_delay_limit}),
      workers_(threads),
      hash_queue_(queue_of(threads, params)),
      system_queue_(queue_of(static_cast<size_t>(params.system_concurrency), params)) {
  if (auto sources = make_sources(params, tables)) {
    sources_ = std::move(*sources);
  } else {
    log::error("{}; nobody can log in before this is mended", sources.error().what);
  }
}

Result<void> Authenticator::refresh() {
  if (sources_.empty()) return temporary("auth_sources cannot be used");
  Result<void> first;
  for (auto& source : sources_) {
    auto fresh = source->refresh();
    if (!fresh && first) first = std::move(fresh);
  }
  watch_sources();
  return first;
}

/// What was remembered is dropped as soon as something has changed.
void Authenticator::watch_sources() {
  uint64_t now = 0;
  for (auto& source : sources_) now += source->generation();
  if (now != generation_) cache_.clear();
  generation_ = now;
}

unsigned Authenticator::uses() {
  unsigned uses = sources_.empty() ? 0 : auth::kEverySecret;
  for (auto& source : sources_) uses &= source->uses();
  return uses;
}

const auth::StoredPassword* Authenticator::decoy() {
  for (auto& source : sources_) {
    if (const auth::StoredPassword* found = source->decoy()) return found;
  }
  return nullptr;
}

event::Task<Result<std::optional<Account>>> Authenticator::account_of(std::string user) {
  auto canonical = canonical_name(user, names_);
  if (sources_.empty()) co_return temporary("auth_sources cannot be used");
  if (!canonical) co_return std::nullopt;
  for (auto& source : sources_) {
    auto found = co_await source->find(*canonical);
    if (!found || found->has_value()) {
      watch_sources();
      co_return found;
    }
  }
  watch_sources();
  co_return std::nullopt;
}

event::Task<Result<Subject>> Authenticator::find(std::string user, Origin origin) {
  Subject subject;
  std::string name = canonical_name(user, names_).value_or(user);
  auto admission = penalties_.admit(origin.remote, name, monotonic_now());
  if (admission.refused) co_return temporary("too many wrong passwords from this address at once");
  if (admission.wait > Duration::zero()) co_await event::sleep(admission.wait);
  auto found = co_await account_of(user);
  if (!found) co_return std::unexpected(found.error());
  subject.known = admission.known;
  subject.account = std::move(*found);
  subject.tried = std::move(name);
  subject.user = subject.account ? subject.account->entry.user : subject.tried;
  co_return subject;
}

event::Task<Verdict> Authenticator::check(Attempt attempt) {
  Verdict verdict;
  verdict.user = attempt.user;
  auto subject = co_await find(attempt.user, attempt.origin);
  if (!subject) {
    verdict.reason = subject.error().what;
    co_return verdict;
  }
  Result<bool> right = co_await compare(&*subject, &attempt);
  verdict = judge(*subject, right, attempt.origin);
  settle(verdict, attempt.password.reveal(), attempt.origin);
  co_return verdict;
}

event::Task<Result<bool>> Authenticator::compare(const Subject* subject, const Attempt* attempt) {
  if (subject->account && subject->account->by_system) co_return co_await ask_system(subject, attempt);
  bool own = subject->account && subject->account->entry.password;
  const auth::StoredPassword* against = own ? &*subject->account->entry.password : decoy();
  if (against == nullptr) co_return false;
  Result<bool> right = false;
  if (against->is_slow()) {
    right = co_await compare_slowly(subject, attempt, against);
  } else {
    right = against->verify(attempt->password.reveal());
  }
  // Somebody else's data may be malformed, or his password be guessed: neither is this user's.
  bool overloaded = !right && !right.error().is_permanent();
  if (!own && !overloaded) right = false;
  co_return right;
}

event::Task<Result<bool>> Authenticator::compare_slowly(const Subject* subject, const Attempt* attempt,
                                                        const auth::StoredPassword* against) {
  std::string stored = subject->account ? subject->account->stored_text : std::string();
  PasswordCache::Question question{subject->user, attempt->origin.service, stored, attempt->password.reveal()};
  if (subject->account && cache_.knows(question, monotonic_now())) co_return true;
  auto work = [copy = *against, password = Secret(std::string(attempt->password.reveal()))] {
    step_back();
    return copy.verify(password.reveal());
  };
  FairQueue::Place place;
  bool in = co_await hash_queue_.enter(&place, penalty_key(attempt->origin.remote), subject->user,
                                       subject->known ? Standing::known : Standing::stranger);
  if (!in) co_return temporary("too many log-ins at once");
  Result<bool> right = co_await workers_.run(std::move(work));
  if (right && *right && subject->account) cache_.keep(question, monotonic_now());
  co_return right;
}

event::Task<Result<bool>> Authenticator::ask_system(const Subject* subject, const Attempt* attempt) {
  if (helper_ == nullptr) co_return temporary("there is no helper for users of the system");
  PasswordCache::Question question{subject->user, attempt->origin.service, "system", attempt->password.reveal()};
  if (cache_.knows(question, monotonic_now())) co_return true;
  FairQueue::Place place;
  bool in = co_await system_queue_.enter(&place, penalty_key(attempt->origin.remote), subject->user,
                                         subject->known ? Standing::known : Standing::stranger);
  if (!in) co_return temporary("too many log-ins at once");
  Secret password{std::string(attempt->password.reveal())};
  Result<bool> right = co_await helper_->check(subject->account->entry.user, std::move(password),
                                               attempt->origin.service, attempt->origin.remote);
  if (right && *right) cache_.keep(question, monotonic_now());
  co_return right;
}

Verdict Authenticator::judge(const Subject& subject, const Result<bool>& proved, const Origin& origin) {
  Verdict verdict;
  verdict.user = subject.user;
  auto failed = [&](std::string_view why) {
    verdict.status = AuthStatus::failed;
    verdict.user = subject.tried;
    verdict.reason = why;
    return verdict;
  };
  if (!proved) {
    verdict.reason = proved.error().what;
    return verdict;
  }
  if (!subject.account) return failed("unknown user");
  const auth::PasswdEntry& entry = subject.account->entry;
  if (!*proved)
    return failed(entry.password || subject.account->by_system ? "password mismatch" : "no password is set");
  if (entry.nologin) return failed("user is disabled (nologin)");
  if (!allowed_from(entry, origin.remote)) return failed("client is not in allow_nets");
  verdict.status = AuthStatus::ok;
  return verdict;
}

void Authenticator::settle(Verdict& verdict, std::string_view password, const Origin& origin) {
  TimePoint now = monotonic_now();
  if (verdict.status == AuthStatus::ok) penalties_.succeeded(origin.remote, verdict.user, now);
  if (verdict.status != AuthStatus::failed) return;
  std::string mark = cache_.mark_of(verdict.user, password);
  verdict.hold = penalties_.failed(origin.remote, verdict.user, mark, now);
}

std::string Authenticator::salt_for(std::string_view name, Hash hash) const {
  std::string whole = auth::hmac(Hash::sha256, salt_key_, framed({"salt", hash == Hash::sha1 ? "1" : "256", name}));
  return whole.substr(0, kSaltSize);
}

event::Task<Result<auth::ScramKeys>> Authenticator::scram_keys(const Subject* subject, Hash hash, Origin origin) {
  bool has_one = subject->account && subject->account->entry.password;
  const auth::StoredPassword* own = has_one ? &*subject->account->entry.password : nullptr;
  if (own != nullptr && own->has_scram_keys(hash)) co_return own->scram_keys(hash);
  bool plain = own != nullptr && own->plain().has_value();
  const std::string& name = subject->tried;
  std::string salt = salt_for(name, hash);
  const auth::StoredPassword* like = plain ? nullptr : decoy();
  if (like != nullptr && like->has_scram_keys(hash)) {
    auth::ScramKeys made_up;
    auto theirs = like->scram_keys(hash);
    made_up.iterations = theirs ? theirs->iterations : auth::kScramIterations;
    made_up.salt = std::move(salt);
    made_up.stored_key = auth::hmac(hash, salt_key_, framed({"stored", name}));
    made_up.server_key = made_up.stored_key;
    co_return made_up;
  }
  std::string password(plain ? *own->plain() : std::string_view(salt_key_));
  FairQueue::Place place;
  bool in = co_await hash_queue_.enter(&place, penalty_key(origin.remote), name,
                                       subject->known ? Standing::known : Standing::stranger);
  if (!in) co_return temporary("too many log-ins at once");
  auto work = [hash, secret = Secret(std::move(password)), salted = std::move(salt)] {
    step_back();
    return auth::make_scram_keys(hash, secret.reveal(), salted, auth::kScramIterations);
  };
  auth::ScramKeys keys = co_await workers_.run(std::move(work));
  co_return keys;
}

event::Task<Result<std::optional<auth::LoginData>>> Authenticator::login_data(std::string user) {
  auto account = co_await account_of(user);
  if (!account) co_return std::unexpected(account.error());
  if (!account->has_value()) co_return std::nullopt;
  auto data = co_await user_data_.complete(std::move((*account)->entry));
  if (!data) co_return std::unexpected(data.error());
  co_return std::move(*data);
}

Result<std::vector<std::string>> Authenticator::users() {
  std::vector<std::string> names;
  for (auto& source : sources_) {
    auto some = source->users();
    if (!some && some.error().is_permanent()) continue;
    if (!some) return std::unexpected(some.error());
    names.insert(names.end(), some->begin(), some->end());
  }
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

}  // namespace umaya::authd
