#include "libcommon/dns/mail_route.h"

#include <catch2/catch.hpp>

#include "tests/support/fake_resolver.h"

using namespace umaya;
using namespace umaya::dns;

namespace {

const OwnHost kOwn{.names = {"me.example"}, .addresses = {*net::IpAddress::parse("192.0.2.99")}};

RouteOptions options() {
  RouteOptions o;
  o.own = &kOwn;
  o.random = [](uint64_t bound) { return bound - 1; };
  return o;
}

std::string outcome(const MailRoute& route) {
  if (!route) return (route.error().is_permanent() ? "! " : "? ") + route.error().dsn + ' ' + route.error().what;
  std::string text;
  for (const MailHost& h : route->hosts) text += h.name + '/' + h.address.to_string() + ' ';
  return text;
}

std::string route_of(FakeResolver& dns, const std::string& domain, RouteOptions o = options()) {
  return outcome(event::run_until_done(mail_route(dns, domain, std::move(o))));
}

}  // namespace

TEST_CASE("mail route: B1 MX by preference, all addresses of each", "[dns]") {
  FakeResolver dns;
  dns.mx("d.example", 20, "b.example").mx("d.example", 10, "a.example");
  dns.a("a.example", "192.0.2.1").a("a.example", "2001:db8::1").a("b.example", "192.0.2.2");
  CHECK(route_of(dns, "d.example") == "a.example/192.0.2.1 a.example/2001:db8::1 b.example/192.0.2.2 ");
  RouteOptions v4 = options();
  v4.families = Families::ipv4;
  CHECK(route_of(dns, "d.example", v4) == "a.example/192.0.2.1 b.example/192.0.2.2 ");
}

TEST_CASE("mail route: B1 without MX the domain's own address is used", "[dns]") {
  FakeResolver dns;
  dns.a("d.example", "192.0.2.1");
  CHECK(route_of(dns, "d.example") == "d.example/192.0.2.1 ");
}

TEST_CASE("mail route: F6 not found is permanent, not knowing is temporary", "[dns]") {
  FakeResolver dns;
  CHECK(route_of(dns, "nope.example") ==
        "! 5.4.4 Host or domain name not found. Name service error for name=nope.example type=MX: Host not found");
  for (Status status : {Status::fail, Status::refused, Status::timed_out, Status::malformed}) {
    dns.fail("d.example", Type::mx, status);
    CHECK(route_of(dns, "d.example").starts_with("? 4.4.3 "));
    RouteOptions lenient = options();
    lenient.ignore_mx_lookup_error = true;
    FakeResolver other = dns;
    other.a("d.example", "192.0.2.1");
    CHECK(route_of(other, "d.example", lenient) == "d.example/192.0.2.1 ");
  }
}

TEST_CASE("mail route: F6 one call tells the status of each host and how long all of it holds", "[dns]") {
  FakeResolver dns;
  dns.mx("d.example", 10, "gone.example").mx("d.example", 20, "slow.example").mx("d.example", 30, "c.example");
  dns.fail("slow.example", Type::a, Status::timed_out).fail("slow.example", Type::aaaa, Status::timed_out);
  dns.a("c.example", "192.0.2.3").a("c.example", "2001:db8::3").ttl("d.example", 300).ttl("c.example", 20);
  dns.authenticated("d.example");
  MailRoute route = event::run_until_done(mail_route(dns, "d.example", options()));
  REQUIRE(route);
  CHECK(outcome(route) == "c.example/192.0.2.3 c.example/2001:db8::3 ");
  CHECK(route->ttl == 20);
  CHECK(route->mx_authenticated);
  REQUIRE(route->names.size() == 3);
  CHECK(route->names[0].status == Status::no_name);
  CHECK(route->names[0].error.ends_with("type=A: Host not found"));
  CHECK(route->names[1].status == Status::timed_out);
  CHECK(route->names[2].status == Status::found);
  CHECK(route->names[2].ttl == 20);
  CHECK_FALSE(route->names[2].authenticated);
  dns.authenticated("c.example");
  route = event::run_until_done(mail_route(dns, "d.example", options()));
  CHECK(route->names[2].authenticated);
  dns.hosts_file("192.0.2.7 pc7\n");
  RouteOptions native = options();
  native.lookup = {HostLookup::native};
  route = event::run_until_done(host_route(dns, "pc7", native));
  CHECK(route->ttl == kForeverTtl);
}

TEST_CASE("mail route: a host that may come back keeps the mail", "[dns]") {
  FakeResolver dns;
  dns.mx("d.example", 10, "gone.example").mx("d.example", 20, "slow.example");
  CHECK(route_of(dns, "d.example").starts_with("! 5.4.4"));
  RouteOptions defer = options();
  defer.defer_if_no_mx_address = true;
  CHECK(route_of(dns, "d.example", defer).starts_with("? 4.4.4"));
  dns.fail("slow.example", Type::a, Status::timed_out).fail("slow.example", Type::aaaa, Status::timed_out);
  CHECK(route_of(dns, "d.example").starts_with("? 4.4.3"));
}

TEST_CASE("mail route: Q20 null MX is a definite no", "[dns]") {
  FakeResolver dns;
  dns.mx("d.example", 0, ".").a("d.example", "192.0.2.1");
  CHECK(route_of(dns, "d.example") == "! 5.1.0 Domain d.example does not accept mail (nullMX)");
}

TEST_CASE("mail route: B2 best MX is ourselves, by name and by address", "[dns]") {
  FakeResolver dns;
  dns.mx("byname.example", 10, "me.example").mx("byname.example", 20, "b.example").a("b.example", "192.0.2.2");
  CHECK(route_of(dns, "byname.example") == "! 5.4.6 mail for byname.example loops back to myself");
  dns.mx("byaddress.example", 10, "alias.example").a("alias.example", "192.0.2.99");
  CHECK(route_of(dns, "byaddress.example") == "! 5.4.6 mail for byaddress.example loops back to myself");
  dns.mx("zero.example", 10, "zero.example").a("zero.example", "0.0.0.0");
  CHECK(route_of(dns, "zero.example") == "! 5.4.6 mail for zero.example loops back to myself");
  dns.a("self.example", "192.0.2.99");
  CHECK(route_of(dns, "self.example") == "! 5.4.6 mail for self.example loops back to myself");
}

TEST_CASE("mail route: B2 a backup MX goes on to better hosts only", "[dns]") {
  FakeResolver dns;
  dns.mx("d.example", 10, "a.example").mx("d.example", 20, "me.example").mx("d.example", 30, "c.example");
  dns.a("a.example", "192.0.2.1").a("c.example", "192.0.2.3");
  CHECK(route_of(dns, "d.example") == "a.example/192.0.2.1 ");
  FakeResolver lost = dns;
  lost.fail("a.example", Type::a, Status::fail).fail("a.example", Type::aaaa, Status::fail);
  CHECK(route_of(lost, "d.example") == "? 4.4.4 unable to find primary relay for d.example");
}

TEST_CASE("mail route: Q20 a large MX set costs a bounded number of questions", "[dns]") {
  FakeResolver dns;
  for (int i = 0; i < 100; ++i) dns.mx("d.example", 10, "m" + std::to_string(i) + ".example");
  CHECK(route_of(dns, "d.example").starts_with("! 5.4.4"));
  CHECK(dns.asked <= 41);
  FakeResolver good;
  for (int i = 0; i < 100; ++i) {
    good.mx("d.example", static_cast<uint16_t>(i), "m" + std::to_string(i) + ".example");
    good.a("m" + std::to_string(i) + ".example", "192.0.2." + std::to_string(i));
  }
  RouteOptions o = options();
  o.order.limit = 5;
  CHECK(route_of(good, "d.example", o).starts_with("m0.example/192.0.2.0 m1.example/192.0.2.1 "));
  CHECK(good.asked <= 12);
}

TEST_CASE("mail route: native look-up knows /etc/hosts and the search list", "[dns]") {
  FakeResolver dns;
  dns.hosts_file("192.0.2.7 pc7\n").a("pc8.s5.example", "192.0.2.8");
  dns.settings().search = {"s5.example"};
  RouteOptions o = options();
  o.lookup = {HostLookup::native};
  CHECK(outcome(event::run_until_done(host_route(dns, "pc7", o))) == "pc7/192.0.2.7 ");
  CHECK(outcome(event::run_until_done(host_route(dns, "pc8", o))) == "pc8/192.0.2.8 ");
  CHECK(outcome(event::run_until_done(host_route(dns, "pc9", o))) ==
        "! 5.4.4 unable to look up host pc9: Host not found");
  o.dns_enabled = false;
  CHECK(route_of(dns, "pc7", o) == "pc7/192.0.2.7 ");
  CHECK(outcome(event::run_until_done(host_route(dns, "IPv6:2001:db8::1", o))) == "IPv6:2001:db8::1/2001:db8::1 ");
}

TEST_CASE("peer name: is verified forward", "[dns]") {
  FakeResolver dns;
  auto peer = [&dns](const char* address) {
    return event::run_until_done(peer_name(dns, *net::IpAddress::parse(address)));
  };
  dns.ptr("192.0.2.1", "good.example").a("good.example", "192.0.2.1");
  CHECK(peer("192.0.2.1").name == "good.example");
  CHECK(peer("::ffff:192.0.2.1").name == "good.example");
  dns.ptr("192.0.2.2", "liar.example").a("liar.example", "192.0.2.9");
  PeerName liar = peer("192.0.2.2");
  CHECK(liar.name == "unknown");
  CHECK(liar.reverse_name == "liar.example");
  CHECK(liar.name_status == Status::no_name);
  CHECK(liar.warning == "hostname liar.example does not resolve to address 192.0.2.2");
  dns.ptr("192.0.2.3", "slow.example").fail("slow.example", Type::a, Status::timed_out);
  CHECK(peer("192.0.2.3").name_status == Status::timed_out);
  CHECK(peer("192.0.2.4").reverse_status == Status::no_name);
  dns.ptr("192.0.2.5", "bad name\"; DROP");
  CHECK(peer("192.0.2.5").reverse_name == "unknown");
  dns.hosts_file("192.0.2.6 local.example\n");
  CHECK(peer("192.0.2.6").name == "local.example");
}
