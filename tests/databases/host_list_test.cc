#include "libcommon/databases/host_list.h"

#include <catch2/catch.hpp>
#include <set>

using namespace umaya;
using namespace umaya::databases;
using namespace std::chrono_literals;

namespace {

std::string shown(const char* word, HostStyle style) {
  Host host = parse_hosts({word}, style).front();
  const char* kinds[] = {"local", "network", "uri"};
  return std::string(kinds[static_cast<size_t>(host.kind)]) + " " + host.name + " " + host.port;
}

}  // namespace

TEST_CASE("hosts: unix:, inet:, ports and URIs are understood as Postfix does", "[databases]") {
  CHECK(shown("unix:/run/pg", HostStyle::pgsql) == "local /run/pg ");
  CHECK(shown("unix:/run/pg:5433", HostStyle::pgsql) == "local /run/pg 5433");
  CHECK(shown("/run/pg", HostStyle::pgsql) == "local /run/pg ");
  CHECK(shown("inet:db.example:5433", HostStyle::pgsql) == "network db.example 5433");
  CHECK(shown("localhost", HostStyle::pgsql) == "network localhost ");
  CHECK(shown("localhost", HostStyle::mysql) == "local  ");
  CHECK(shown("inet:127.0.0.1:3307", HostStyle::mysql) == "network 127.0.0.1 3307");
  CHECK(shown("unix:/run/my.sock", HostStyle::mysql) == "local /run/my.sock ");
  CHECK(shown("inet:[::1]:3307", HostStyle::mysql) == "network ::1 3307");
}

TEST_CASE("hosts: what is shown of an URI has no password", "[databases]") {
  for (const char* uri : {"postgresql://user:secret@db.example/mail?sslmode=require", "postgres://u:secret@db.example",
                          "postgresql://u:sec@ret@db.example/x"}) {
    Host host = parse_hosts({uri}, HostStyle::pgsql).front();
    CHECK(host.kind == Host::Kind::uri);
    CHECK(host.name == uri);
    CHECK(host.shown.find("sec") == std::string::npos);
    CHECK(host.shown.ends_with("//db.example"));
  }
}

TEST_CASE("hosts: sockets of this machine come first, equals in random order, those that are down last of all",
          "[databases]") {
  auto hosts = parse_hosts({"a", "b", "unix:/s", "postgres://c"}, HostStyle::pgsql);
  HostChooser chooser(hosts, HostOrder::random, 60s);
  const TimePoint now = monotonic_now();
  std::vector<bool> tried(4);
  CHECK(chooser.choose(tried, now) == 2u);
  chooser.mark_down(2, now);
  std::set<size_t> seen;
  for (int i = 0; i < 200; ++i) seen.insert(*chooser.choose(tried, now));
  CHECK(seen == std::set<size_t>{0, 1});
  tried[0] = true;
  CHECK(chooser.choose(tried, now) == 1u);
  tried[1] = true;
  CHECK(chooser.choose(tried, now) == 3u);
  tried[3] = true;
  CHECK_FALSE(chooser.choose(tried, now));
  CHECK(chooser.choose(tried, now + 60s) == 2u);
  chooser.mark_down(2, now);
  chooser.mark_up(2);
  CHECK(chooser.choose(tried, now) == 2u);
}

TEST_CASE("hosts: a listed order is kept", "[databases]") {
  auto hosts = parse_hosts({"a", "b", "c"}, HostStyle::mysql);
  HostChooser chooser(hosts, HostOrder::listed, 60s);
  const TimePoint now = monotonic_now();
  std::vector<bool> tried(3);
  for (int i = 0; i < 20; ++i) CHECK(chooser.choose(tried, now) == 0u);
  chooser.mark_down(0, now);
  CHECK(chooser.choose(tried, now) == 1u);
}
