#include "proxymap/session.h"

#include "libcommon/log/log.h"

namespace umaya::proxymap {

using services::proxymap::Answer;
using services::proxymap::Found;
using services::proxymap::Query;

Tables::Tables(table::Options options, std::string_view allowed) : options_(std::move(options)) {
  constexpr std::string_view kPrefix = "proxy:";
  for (std::string_view item : split_list(allowed)) {
    if (item.starts_with(kPrefix)) allowed_.emplace(item.substr(kPrefix.size()));
  }
}

table::Maps& Tables::get(const std::string& name) {
  std::unique_ptr<table::Maps>& maps = open_[name];
  if (!maps) maps = std::make_unique<table::Maps>(table::Maps::open(options_, name, name));
  maps->refresh();
  return *maps;
}

namespace {

event::Task<Answer> answer(Tables& tables, Query query) {
  Answer out;
  if (!tables.is_allowed(query.table)) {
    log::warning("request for unapproved table: \"{}\"", query.table);
    log::warning("to approve this table for read-only access, list proxy:{} in main.cf:proxy_read_maps", query.table);
    out.found = Found::refused;
    out.value = "proxymap may not open " + query.table;
    co_return out;
  }
  table::Maps& maps = tables.get(query.table);
  table::Lookup found;
  // Shared with maps, which may put another table in its place while we wait for this one.
  std::shared_ptr<table::Table> table = maps.tables().empty() ? nullptr : maps.tables().front();
  if (table) found = co_await table->lookup(std::move(query.key));
  out.found = found.found() ? Found::yes : found.missing() ? Found::no : Found::failed;
  if (found.found()) out.value = found.take();
  if (found.is_error()) out.value = found.error().what;
  co_return out;
}

}  // namespace

event::Task<void> serve(Tables& tables, Fd fd) {
  ipc::Channel channel(std::move(fd));
  for (;;) {
    auto query = co_await channel.receive<Query>();
    if (!query) co_return;
    Answer out = co_await answer(tables, std::move(*query));
    auto sent = co_await channel.send(std::move(out));
    if (!sent) co_return;
  }
}

}  // namespace umaya::proxymap
