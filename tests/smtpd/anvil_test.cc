#include "smtpd/anvil.h"

#include <catch2/catch.hpp>

#include "smtpd/client_counts.h"

using namespace umaya;
using namespace umaya::smtpd;
using services::anvil::Event;
using namespace std::chrono_literals;

TEST_CASE("anvil: connections go up and down, rates start afresh with the time unit", "[smtpd][anvil]") {
  AnvilCounts counts(60s);
  TimePoint now = monotonic_now();
  CHECK(counts.count(Event::connect, "smtp:192.0.2.1", now).connections == 1);
  CHECK(counts.count(Event::connect, "smtp:192.0.2.1", now).rate == 2);
  CHECK(counts.count(Event::message, "smtp:192.0.2.1", now).rate == 1);
  counts.disconnect("smtp:192.0.2.1", now);
  CHECK(counts.count(Event::message, "smtp:192.0.2.1", now).connections == 1);
  CHECK(counts.count(Event::connect, "smtp:192.0.2.1", now + 61s).rate == 1);
  counts.disconnect("smtp:192.0.2.1", now + 200s);
  counts.disconnect("smtp:192.0.2.1", now + 200s);
  CHECK(counts.size() == 0);
}

TEST_CASE("anvil: clients of one prefix count together", "[smtpd][anvil]") {
  auto v6 = *net::IpAddress::parse("2001:db8:1:2:3:4:5:6");
  CHECK(client_key(v6, 32, 64) == client_key(*net::IpAddress::parse("2001:db8:1:2::9"), 32, 64));
  CHECK(client_key(*net::IpAddress::parse("192.0.2.1"), 32, 84) == "192.0.2.1");
  CHECK(client_key(*net::IpAddress::parse("::ffff:192.0.2.1"), 32, 84) == "192.0.2.1");
}
