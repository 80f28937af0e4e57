#include "proxymap/session.h"

#include <sys/socket.h>

#include <catch2/catch.hpp>

#include "libcommon/config/config.h"
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
  scope.spawn(proxymap::serve(tables, Fd(pair[0]), proxymap::Asker::other));
  ipc::Channel client(Fd{pair[1]});
  CHECK(event::run_until_done(ask(&client, "inline:{a=b}", "A")) == "b");
  CHECK(event::run_until_done(ask(&client, "inline:{a=b}", "q")) == "(none)");
  CHECK(event::run_until_done(ask(&client, "fail:x", "q")) == "(failed)");
  CHECK(event::run_until_done(ask(&client, "inline:{c=d}", "c")) == "(refused)");
  CHECK(event::run_until_done(ask(&client, "texthash:/etc/shadow", "root")) == "(refused)");
  log::capture(nullptr);
}

TEST_CASE("proxymap: case and $1 are as the asking process has them", "[proxymap]") {
  log::capture([](log::Level, std::string_view) {});
  const table::Options options;
  proxymap::Tables tables(options, "proxy:inline:{A=b} proxy:regexp:{{/^(.*)$/ x$1}}");
  Query query;
  query.table = "inline:{A=b}";
  CHECK(tables.get(query).find("a").found());
  query.keep_case = true;
  CHECK(tables.get(query).find("A").value() == "b");
  CHECK_FALSE(tables.get(query).find("a").found());
  query.table = "regexp:{{/^(.*)$/ x$1}}";
  CHECK(tables.get(query).find("k").value() == "xk");
  query.no_substitution = true;
  CHECK_FALSE(tables.get(query).find("k").found());
  log::capture(nullptr);
}

TEST_CASE("proxymap: databases that main.cf names may be asked, those with passwords by our own user", "[proxymap]") {
  using proxymap::Asker;
  auto config = config::Config::from_text(
      "virtual_mailbox_maps = hash:/a, pgsql:/boxes.cf\nsmtpd_client_restrictions = check_client_access { ldap:people, "
      "x=y }\nauth_password_maps = pgsql:/logins.cf, proxy:mysql:/more.cf\nalias_maps = proxy:sqlite:/aliases.cf "
      "proxy:mysql:/more.cf\nproxy_read_maps = $alias_maps\n");
  REQUIRE(config);
  proxymap::Tables tables(table::options_from(*config), config->get("proxy_read_maps"));
  tables.allow_databases(*config);
  for (const char* name : {"pgsql:/boxes.cf", "ldap:people", "sqlite:/aliases.cf"}) {
    CHECK(tables.is_allowed(name, Asker::other));
    CHECK(tables.is_allowed(name, Asker::own_user));
  }
  for (const char* name : {"pgsql:/logins.cf", "mysql:/more.cf"}) {
    CHECK_FALSE(tables.is_allowed(name, Asker::other));
    CHECK(tables.is_allowed(name, Asker::own_user));
  }
  for (const char* name : {"hash:/a", "pgsql:/other.cf", "proxy:mysql:/more.cf", "sqlite:/boxes.cf"}) {
    CHECK_FALSE(tables.is_allowed(name, Asker::own_user));
  }
}
