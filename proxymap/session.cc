#include "proxymap/session.h"

#include "libcommon/config/master_cf.h"
#include "libcommon/databases/parameters.h"
#include "libcommon/log/log.h"

namespace umaya::proxymap {

using services::proxymap::Answer;
using services::proxymap::Found;
using services::proxymap::Query;

namespace {

constexpr std::string_view kPrefix = "proxy:";

}  // namespace

Tables::Tables(table::Options options, std::string_view proxy_read_maps) : options_(std::move(options)) {
  for (std::string_view item : split_list(proxy_read_maps)) {
    if (item.starts_with(kPrefix)) allowed_.emplace(item.substr(kPrefix.size()));
  }
}

void Tables::allow_text(std::string_view text) {
  for (std::string& name : databases::databases_in(text)) allowed_.insert(std::move(name));
}

void Tables::allow_databases(const config::Config& config) {
  for (const config::Setting& setting : config.main_cf().settings) allow_text(config.get(setting.name));
  std::string secrets = config.get("auth_password_maps");
  if (auto master = config::MasterCf::load(config); master) {
    for (const config::MasterService& service : master->services) {
      for (const auto& [name, value] : service.overrides) {
        auto expanded = config.expand(value);
        if (!expanded) continue;
        allow_text(*expanded);
        if (name == "auth_password_maps") secrets += " " + *expanded;
      }
    }
  }
  for (std::string_view item : split_list(secrets)) {
    if (item.starts_with(kPrefix)) secret_.emplace(item.substr(kPrefix.size()));
  }
  for (std::string& name : databases::databases_in(secrets)) secret_.insert(std::move(name));
}

bool Tables::is_allowed(const std::string& name, Asker asker) const {
  return allowed_.contains(name) && (asker == Asker::own_user || !secret_.contains(name));
}

table::Maps& Tables::get(const Query& query) {
  std::unique_ptr<table::Maps>& maps = open_[{query.table, query.keep_case, query.no_substitution}];
  if (!maps) {
    table::Options options = options_;
    if (query.keep_case) options.fold = table::CaseRule::keep;
    if (query.no_substitution) options.substitution = table::Substitution::refused;
    maps = std::make_unique<table::Maps>(table::Maps::open(options, query.table, query.table));
  }
  maps->refresh();
  return *maps;
}

namespace {

event::Task<Answer> answer(Tables& tables, Query query, Asker asker) {
  Answer out;
  if (!tables.is_allowed(query.table, asker)) {
    log::warning("request for unapproved table: \"{}\"", query.table);
    log::warning("to approve this table for read-only access, list proxy:{} in main.cf:proxy_read_maps", query.table);
    out.found = Found::refused;
    out.value = "proxymap may not open " + query.table;
    co_return out;
  }
  table::Maps& maps = tables.get(query);
  table::Lookup found;
  // Shared with maps, which may put another table in its place while we wait for this one.
  std::shared_ptr<table::Table> table = maps.tables().empty() ? nullptr : maps.tables().front();
  if (table) found = co_await table->lookup(std::move(query.key));
  out.found = found.found() ? Found::yes : found.missing() ? Found::no : Found::failed;
  if (found.found()) out.value = found.take();
  if (found.is_error()) {
    // Names of hosts stay here: what we answer may end up in a notice to a stranger.
    log::warning("{}", found.error().what);
    bool is_database = table != nullptr && table::is_database(table->type());
    out.value = is_database ? "lookup error; the log of proxymap says more" : found.error().what;
  }
  co_return out;
}

}  // namespace

event::Task<void> serve(Tables& tables, Fd fd, Asker asker) {
  ipc::Channel channel(std::move(fd));
  for (;;) {
    auto query = co_await channel.receive<Query>();
    if (!query) co_return;
    Answer out = co_await answer(tables, std::move(*query), asker);
    auto sent = co_await channel.send(std::move(out));
    if (!sent) co_return;
  }
}

}  // namespace umaya::proxymap
