#include "named-lite/peers/notifier.h"

#include <netinet/in.h>

#include "named-lite/peers/local_end.h"
#include "tests/named-lite/zone_support.h"

using namespace umaya;
using namespace umaya::named;
using namespace umaya::named::testing;

namespace {

const std::string kZone =
    "$TTL 60\n@ SOA ns1 root 1 2 3 4 5\n@ NS ns1\n@ NS ns2\n@ NS ns.elsewhere.test.\nns1 A 192.0.2.1\nns2 A 192.0.2.2\n"
    "ns2 AAAA 2001:db8::2\n";

/// Whom a zone of a configuration tells: "address" or "address key".
std::vector<std::string> told(const std::string& statements, const std::string& type = "primary; file \"f\"") {
  Problems problems;
  NamedConf conf = parse_named_conf(
      "key k { algorithm hmac-sha256; secret \"c2VjcmV0\"; };\n"
      "key own { algorithm hmac-sha256; secret \"c2VjcmV0\"; };\n"
      "server 192.0.2.0/24 { keys k; };\nserver 192.0.2.2 { keys own; };\n"
      "zone \"ex.test\" { type " +
          type + "; " + statements + " };\n",
      "c", {}, problems);
  if (problems.has_errors()) FAIL(problems.all()[0].what);
  ImagePtr image(check("ex.test.", kZone).image);
  std::vector<std::string> texts;
  for (const RemoteServer& each : notify_targets(conf.views[0], conf.views[0].zones[0], *image)) {
    texts.push_back(each.at.address.to_string() + (each.key ? " " + each.key->text() : ""));
  }
  return texts;
}

using Texts = std::vector<std::string>;
const std::string kSecondary = "secondary; primaries { 192.0.2.9; }";

}  // namespace

TEST_CASE("notifier: the name servers of the zone are told, but for the one that the SOA names", "[named][notify]") {
  CHECK(told("") == Texts{"192.0.2.2 own.", "2001:db8::2"});
  CHECK(told("notify-to-soa yes;") == Texts{"192.0.2.1 k.", "192.0.2.2 own.", "2001:db8::2"});
  CHECK(told("notify no; also-notify { 192.0.2.3; };").empty());
  CHECK(told("notify explicit; also-notify { 192.0.2.3; };") == Texts{"192.0.2.3 k."});
}

TEST_CASE("notifier: primary-only leaves secondary zones silent", "[named][notify]") {
  CHECK(told("notify primary-only;").size() == 2);
  CHECK(told("notify primary-only; also-notify { 192.0.2.3; };", kSecondary).empty());
  CHECK(told("notify yes;", kSecondary).size() == 2);
}

TEST_CASE("notifier: a key that a list names counts more than that of a server clause", "[named][notify]") {
  CHECK(told("notify explicit; also-notify { 192.0.2.2 key k; 198.51.100.1; };") ==
        Texts{"192.0.2.2 k.", "198.51.100.1"});
}

TEST_CASE("local end: the server clause, the zone, and else the system chooses", "[named][notify]") {
  auto address = [](const char* text) { return *net::IpAddress::parse(text); };
  SourceAddresses of_zone, of_server;
  CHECK(local_end(address("192.0.2.1"), of_zone, nullptr).size == 0);
  of_zone.ipv4 = {address("10.0.0.1"), 53};
  auto end = local_end(address("192.0.2.1"), of_zone, &of_server);
  const auto& bound = reinterpret_cast<const sockaddr_in&>(end.storage);
  CHECK(net::IpAddress::from_sockaddr(reinterpret_cast<const sockaddr*>(&bound))->to_string() == "10.0.0.1");
  CHECK(bound.sin_port == 0);
  of_server.ipv4.address = address("10.0.0.2");
  end = local_end(address("192.0.2.1"), of_zone, &of_server);
  CHECK(net::IpAddress::from_sockaddr(reinterpret_cast<const sockaddr*>(&bound))->to_string() == "10.0.0.2");
  CHECK(local_end(address("2001:db8::1"), of_zone, &of_server).size == 0);
}
