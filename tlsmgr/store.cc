#include "tlsmgr/store.h"

#include <algorithm>

#include "libcommon/log/log.h"
#include "libcommon/tls/client_hello.h"

namespace umaya::tlsmgr {

using event::Task;
using tls::IdentityAnswer;
using tls::IdentityFound;

static constexpr Duration kForgetEvery = std::chrono::minutes(1);

/// Chains and keys that differ have another mark.
static std::string mark_of(const std::vector<tls::PrivateChain>& chains) {
  std::string text;
  for (const auto& one : chains) text.append(one.chain.key).append(one.chain.certificates);
  return fmt::format("{:x}.{}", std::hash<std::string>()(text), chains.front().chain.key.substr(0, 16));
}

/// Takes over what was loaded, or keeps what is there and says why.
void Store::renew(Identity& identity, Result<tls::PrivateIdentity> loaded, const std::string& title) {
  if (!loaded) {
    bool first = identity.chains.empty();
    identity.trouble = loaded.error().what;
    log::warning("{}{}", identity.trouble, first ? "" : "; the certificate read before stays in use");
    return;
  }
  for (const std::string& line : loaded->complaints) log::warning("{}", line);
  std::string mark = mark_of(loaded->chains);
  identity.trouble.clear();
  if (mark == identity.mark) return;
  if (!identity.mark.empty()) log::info("new certificate from {}", title);
  identity.mark = std::move(mark);
  identity.chains.clear();
  identity.keys.clear();
  for (tls::PrivateChain& one : loaded->chains) {
    identity.chains.push_back(std::move(one.chain));
    identity.keys.emplace_back(one.key.release(), tls::KeyFree());
  }
}

void Store::load(const tls::IdentityFiles& files, std::vector<tls::SourceFile> sources) {
  auto set = std::make_shared<Set>();
  set->files = files;
  set->sources = std::move(sources);
  set->asked = monotonic_now();
  renew(set->identity, tls::load_identity(files, set->sources), files.parameters);
  // At once: processes go on with what a tlsmgr before us, that was killed, has told them.
  name_keys(set->identity);
  sets_[files.name()] = std::move(set);
}

void Store::forget_keys(TimePoint now) {
  if (now < next_forgetting_) return;
  next_forgetting_ = now + kForgetEvery;
  std::erase_if(keys_, [now](const auto& entry) { return now - entry.second.named > kKeepKey; });
}

void Store::name_keys(const Identity& identity) {
  TimePoint now = monotonic_now();
  forget_keys(now);
  for (size_t i = 0; i < identity.chains.size(); ++i) keys_[identity.chains[i].key] = {identity.keys[i], now};
}

IdentityAnswer Store::answer_with(Identity& identity, const std::string& known) {
  IdentityAnswer out;
  out.trouble = identity.trouble;
  if (identity.chains.empty()) return out;
  name_keys(identity);
  out.mark = identity.mark;
  out.found = known == identity.mark ? IdentityFound::unchanged : IdentityFound::yes;
  if (out.found == IdentityFound::yes) out.chains = identity.chains;
  return out;
}

evp_pkey_st* Store::key(const std::string& name) const {
  auto it = keys_.find(name);
  return it == keys_.end() ? nullptr : it->second.key.get();
}

/// Reads the files of a set that have changed; false when none has.
Task<bool> Store::look_again(Set* set) {
  bool changed = false;
  for (size_t i = 0; i < set->sources.size(); ++i) {
    auto file = co_await reader_->read(set->sources[i].path, set->sources[i].mark);
    if (!file || !*file) continue;
    set->sources[i] = std::move(**file);
    changed = true;
  }
  co_return changed;
}

/// What the answer of the reader means for the sets.
Task<void> Store::read_configuration() {
  reloaded_ = monotonic_now();
  ConfigurationAnswer now = co_await reader_->configuration();
  if (!now.trouble.empty()) {
    log::warning("{}; the certificates configured before stay in use", now.trouble);
    co_return;
  }
  if (now.lacks_self_signed && lacks_self_signed_) lacks_self_signed_();
  for (auto& entry : sets_) entry.second->configured = false;
  for (FileSet& one : now.sets) {
    tls::IdentityFiles files;
    files.parameters = std::move(one.parameters);
    for (FilePair& pair : one.pairs) files.pairs.push_back({std::move(pair.certificate), std::move(pair.key)});
    if (auto it = sets_.find(files.name()); it != sets_.end()) {
      it->second->configured = true;
      it->second->identity.looked_at = {};
      continue;
    }
    std::vector<tls::SourceFile> sources;
    for (const std::string& path : files.paths()) {
      auto file = co_await reader_->read(path, "");
      if (file && *file) sources.push_back(std::move(**file));
    }
    load(files, std::move(sources));
  }
  TimePoint oldest = monotonic_now() - kKeepSet;
  std::erase_if(sets_, [&](auto& entry) { return !entry.second->configured && entry.second->asked < oldest; });
}

Task<void> Store::reload() {
  co_await reloading_.acquire();
  co_await read_configuration();
  reloading_.release();
}

/// nullptr: no configuration names it.
Task<Store::SharedSet> Store::find_set(std::string name) {
  auto known = [&] {
    auto it = sets_.find(name);
    return it == sets_.end() ? SharedSet() : it->second;
  };
  if (SharedSet set = known()) co_return set;
  if (!reader_) co_return SharedSet();
  // A process that was started behind a reload may be faster than we, and main.cf may have changed without one.
  TimePoint asked = monotonic_now();
  co_await reloading_.acquire();
  if (!known() && reloaded_ <= asked) {
    Duration rest = reloaded_ + kReloadAfter - monotonic_now();
    co_await event::sleep(rest);
    co_await read_configuration();
  }
  reloading_.release();
  co_return known();
}

Task<IdentityAnswer> Store::of_files(tls::IdentityQuery query) {
  SharedSet set = co_await find_set(query.name);
  if (!set) {
    IdentityAnswer unknown;
    unknown.trouble = "these files are not known to tlsmgr: umaya reload";
    co_return unknown;
  }
  TimePoint now = monotonic_now();
  set->asked = now;
  if (reader_ && set->configured && now - set->identity.looked_at >= kLookAfter) {
    set->identity.looked_at = now;
    bool changed = co_await look_again(set.get());
    if (changed) renew(set->identity, tls::load_identity(set->files, set->sources), set->files.parameters);
  }
  co_return answer_with(set->identity, query.known);
}

Task<IdentityAnswer> Store::of_name(tls::IdentityQuery query) {
  IdentityAnswer out;
  std::string name = tls::valid_server_name(query.name);
  if (name.empty() || !reader_) {
    out.found = IdentityFound::none;
    co_return out;
  }
  LookupAnswer found = co_await reader_->look_up(name);
  if (found.found != Found::yes) {
    names_.erase(name);
    out.found = found.found == Found::no ? IdentityFound::none : IdentityFound::failed;
    out.trouble = found.trouble;
    co_return out;
  }
  if (!names_.contains(name) && names_.size() >= kNames) {
    auto older = [](const auto& a, const auto& b) {
      return a.second->identity.looked_at < b.second->identity.looked_at;
    };
    names_.erase(std::min_element(names_.begin(), names_.end(), older));
  }
  std::unique_ptr<Named>& named = names_[name];
  if (!named) named = std::make_unique<Named>();
  named->identity.looked_at = monotonic_now();
  if (named->text != found.text) {
    named->text = found.text;
    tls::SourceFile source;
    source.path = found.from + ": " + name;
    source.text = std::move(found.text);
    source.mode = 0600;
    tls::IdentityFiles files{{{source.path, ""}}, "tls_server_sni_maps_tls_chain_files"};
    renew(named->identity, tls::load_identity(files, {&source, 1}), source.path);
  }
  co_return answer_with(named->identity, query.known);
}

Task<IdentityAnswer> Store::identity(tls::IdentityQuery query) {
  if (query.kind == tls::IdentityKind::files) co_return co_await of_files(std::move(query));
  co_return co_await of_name(std::move(query));
}

}  // namespace umaya::tlsmgr
