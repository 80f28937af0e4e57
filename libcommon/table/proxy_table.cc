// proxy:type:name: most processes may read the file themselves, and then do; the others ask proxymap(8).
// sqlite:, mysql:, pgsql: and ldap:, too, are asked through proxymap by programs that have no drivers for them.
#include <algorithm>

#include "libcommon/base/strings.h"
#include "libcommon/event/sync.h"
#include "libcommon/event/task.h"
#include "libcommon/ipc/channel.h"
#include "libcommon/table/proxy_protocol.h"
#include "libcommon/table/types.h"

namespace umaya::table {
namespace {

constexpr auto kTimeout = std::chrono::seconds(100);
/// Questions that proxymap has at once from one table of this process; others wait here.
constexpr size_t kQuestions = 32;

/// The wrapped table under its own name.
class ProxyTable : public Table {
 public:
  ProxyTable(std::string name, std::unique_ptr<Table> inner) : Table(std::move(name)), inner_(std::move(inner)) {}
  std::optional<Lookup> lookup_now(std::string_view key) override { return inner_->lookup_now(key); }
  event::Task<Lookup> lookup(std::string key) override { return inner_->lookup(std::move(key)); }
  Matching matching() const override { return inner_->matching(); }
  bool changed() const override { return inner_->changed(); }
  Result<> for_each(const std::function<void(std::string_view, std::string_view)>& fn) override {
    return inner_->for_each(fn);
  }

 private:
  std::unique_ptr<Table> inner_;
};

/// A table in the proxymap process.
class RemoteTable : public Table {
 public:
  RemoteTable(std::string name, std::string inner, const Options& options)
      : Table(std::move(name)),
        inner_(std::move(inner)),
        keep_case_(options.fold == CaseRule::keep),
        no_substitution_(options.substitution == Substitution::refused),
        pool_(options.queue_directory + "/" + std::string(kProxymapSocket)),
        room_(kQuestions) {}
  Matching matching() const override {
    std::string_view type = std::string_view(inner_).substr(0, inner_.find(':'));
    bool is_pattern = type == "regexp" || type == "pcre" || type == "cidr" || type == "tcp";
    return is_pattern ? Matching::pattern : Matching::exact;
  }
  std::optional<Lookup> lookup_now(std::string_view) override { return {}; }
  event::Task<Lookup> lookup(std::string key) override {
    if (!co_await room_.acquire(kTimeout)) co_return Lookup::failed(name() + ": proxymap has no time");
    Room taken(room_);
    co_return co_await ask(std::move(key));
  }

 private:
  /// A place among the questions, given back in the end.
  struct Room {
    explicit Room(event::Semaphore& room) : of(room) {}
    Room(const Room&) = delete;
    Room& operator=(const Room&) = delete;
    ~Room() { of.release(); }
    event::Semaphore& of;
  };

  event::Task<Lookup> ask(std::string key) {
    auto lease = pool_.lease();
    if (!lease) co_return Lookup::failed(name() + ": " + lease.error().what);
    ProxyQuery query;
    query.table = inner_;
    query.key = std::move(key);
    query.keep_case = keep_case_;
    query.no_substitution = no_substitution_;
    Result<ProxyAnswer> answer = co_await (*lease)->call<ProxyAnswer>(std::move(query), {}, kTimeout);
    if (!answer) {
      lease->drop();
      co_return Lookup::failed(name() + ": " + answer.error().what);
    }
    if (answer->found == ProxyFound::yes) co_return Lookup::of(std::move(answer->value));
    if (answer->found == ProxyFound::no) co_return Lookup();
    co_return Lookup::failed(answer->value.starts_with(name()) ? answer->value : name() + ": " + answer->value);
  }

  std::string inner_;
  bool keep_case_, no_substitution_;
  ipc::ChannelPool pool_;
  event::Semaphore room_;
};

}  // namespace

Opened open_proxy(const Options& options, std::string name) {
  std::string inner = name.substr(name.find(':') + 1);
  auto direct = open(options, inner);
  if (direct) return std::make_unique<ProxyTable>(std::move(name), std::move(*direct));
  bool may_not = direct.error().sys_errno == EACCES || direct.error().sys_errno == EPERM;
  auto listed = split_list(options.proxy_read_maps);
  bool is_listed = std::find(listed.begin(), listed.end(), name) != listed.end();
  if (!may_not || !is_listed || options.queue_directory.empty()) return std::unexpected(direct.error());
  return std::make_unique<RemoteTable>(std::move(name), std::move(inner), options);
}

Opened open_database(const Options& options, std::string name) {
  if (options.databases != nullptr) return options.databases->open(options, std::move(name));
  if (options.queue_directory.empty()) return permanent(name + ": only proxymap(8) can open this table");
  std::string inner = name;
  return std::make_unique<RemoteTable>(std::move(name), std::move(inner), options);
}

}  // namespace umaya::table
