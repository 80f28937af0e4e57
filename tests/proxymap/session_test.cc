#include "proxymap/session.h"

#include <sys/socket.h>

#include <catch2/catch.hpp>

#include "libcommon/event/loop.h"
#include "libcommon/log/log.h"

using namespace umaya;
using services::proxymap::Answer;
using services::proxymap::Found;
using services::proxymap::Query;

namespace {

/// "yes b", "no", "failed …", "refused …".
event::Task<std::string> ask(ipc::Channel* client, const char* table, const char* key) {
  Query query;
  query.table.assign(table);
  query.key.assign(key);
  auto answer = co_await client->call<Answer>(std::move(query));
  if (!answer) co_return "closed";
  switch (answer->found) {
    case Found::yes:
      co_return std::move(answer->value);
    case Found::no:
      co_return "(none)";
    case Found::failed:
      co_return "(failed)";
    case Found::refused:
      break;
  }
  co_return "(refused)";
}

}  // namespace

TEST_CASE("proxymap: answers for the tables of proxy_read_maps and no others", "[proxymap]") {
  log::capture([](log::Level, std::string_view) {});
  const table::Options options;
  proxymap::Tables tables(options, "proxy:inline:{a=b}, proxy:fail:x, inline:{c=d}");
  int pair[2];
  REQUIRE(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) == 0);
  event::TaskScope scope;
  scope.spawn(proxymap::serve(tables, Fd(pair[0])));
  ipc::Channel client(Fd{pair[1]});
  CHECK(event::run_until_done(ask(&client, "inline:{a=b}", "A")) == "b");
  CHECK(event::run_until_done(ask(&client, "inline:{a=b}", "q")) == "(none)");
  CHECK(event::run_until_done(ask(&client, "fail:x", "q")) == "(failed)");
  CHECK(event::run_until_done(ask(&client, "inline:{c=d}", "c")) == "(refused)");
  CHECK(event::run_until_done(ask(&client, "texthash:/etc/shadow", "root")) == "(refused)");
  log::capture(nullptr);
}
