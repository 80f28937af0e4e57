#include "named-lite/answer/local_zones.h"

#include "tests/named-lite/zone_support.h"

using namespace umaya::named;
using namespace umaya::named::testing;

namespace {

/// A view with its local zones.
struct View {
  explicit View(const AnswerConf& settings, bool recursion, std::vector<OwnZone> own = {}) {
    for (LocalZone& zone : local_zones(settings, recursion, own)) {
      names.push_back(zone.name.text());
      Problems problems;
      auto image = std::make_shared<const ZoneImage>(compile_zone(zone.records, catalog.seed()));
      check_zone(zone.records, *image, problems);
      CHECK_FALSE(problems.has_errors());
      catalog.add({std::string(zone.name.wire()), std::move(image)});
    }
  }
  Answer ask(const std::string& owner, uint16_t type) const {
    std::string out(kMostAnswer, '\0');
    AnswerConf settings = without_authority();
    AnswerContext context;
    context.catalog = &catalog;
    context.settings = &settings;
    out.resize(answer_packet(question(owner, type), context, out));
    return decode(out);
  }
  bool has(const std::string& zone) const { return std::find(names.begin(), names.end(), zone) != names.end(); }

  Catalog catalog{7};
  std::vector<std::string> names;
};

}  // namespace

TEST_CASE("local zones: D47 localhost and the loopback's reverse zones are there for everybody", "[named][local]") {
  View view({}, false);
  CHECK(view.names.size() == 3);
  CHECK(view.ask("localhost", type::kA).sections[0] == Lines{"localhost. A 127.0.0.1"});
  CHECK(view.ask("localhost", type::kAaaa).sections[0] == Lines{"localhost. AAAA"});
  CHECK(view.ask("sub.localhost", type::kA).rcode == rcode::kNxDomain);
  CHECK(view.ask("1.0.0.127.in-addr.arpa", type::kPtr).sections[0] == Lines{"1.0.0.127.in-addr.arpa. PTR localhost."});
  std::string loopback6 =
      "1." + std::string("0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.") + "ip6.arpa";
  CHECK(view.ask(loopback6, type::kPtr).sections[0].size() == 1);
  CHECK(view.ask("1.0.168.192.in-addr.arpa", type::kPtr).rcode == rcode::kRefused);
}

TEST_CASE("local zones: D47 a view that recurses keeps questions for private names here", "[named][local]") {
  View view({}, true);
  for (const char* name :
       {"1.0.0.10.in-addr.arpa", "1.0.16.172.in-addr.arpa", "1.0.31.172.in-addr.arpa", "1.2.168.192.in-addr.arpa",
        "1.0.64.100.in-addr.arpa", "1.0.127.100.in-addr.arpa", "1.1.254.169.in-addr.arpa", "9.2.0.192.in-addr.arpa",
        "x.home.arpa", "a.b.invalid", "abc.onion", "1.d.f.ip6.arpa", "255.255.255.255.in-addr.arpa"}) {
    INFO(name);
    Answer answer = view.ask(name, type::kPtr);
    CHECK(answer.authoritative);
    CHECK(answer.rcode == (std::string_view(name).starts_with("255.") ? rcode::kNoError : rcode::kNxDomain));
    CHECK(answer.sections[1].size() == 1);
  }
  for (const char* name : {"1.0.15.172.in-addr.arpa", "1.0.32.172.in-addr.arpa", "1.0.63.100.in-addr.arpa",
                           "1.0.128.100.in-addr.arpa", "1.1.1.11.in-addr.arpa", "x.test", "x.local"}) {
    INFO(name);
    CHECK(view.ask(name, type::kPtr).rcode == rcode::kRefused);
  }
}

TEST_CASE("local zones: the administrator's own zones win", "[named][local]") {
  View own({}, true,
           {{name("10.in-addr.arpa")}, {name("1.168.192.in-addr.arpa")}, {name("5.16.172.in-addr.arpa"), true}});
  CHECK_FALSE(own.has("10.in-addr.arpa."));
  CHECK(own.has("168.192.in-addr.arpa."));       // his zone is more exact
  CHECK_FALSE(own.has("16.172.in-addr.arpa."));  // questions below are forwarded
  CHECK(own.has("17.172.in-addr.arpa."));
  View root({}, true, {{Name()}});
  CHECK(root.names.empty());
}

TEST_CASE("local zones: can be switched off, one or all", "[named][local]") {
  AnswerConf settings;
  settings.disabled_empty_zones = {name("10.in-addr.arpa"), name("127.in-addr.arpa")};
  View some(settings, true);
  CHECK_FALSE(some.has("10.in-addr.arpa."));
  CHECK_FALSE(some.has("127.in-addr.arpa."));
  CHECK(some.has("localhost."));
  settings.empty_zones = false;
  CHECK(View(settings, true).names.empty());
}

TEST_CASE("local zones: empty-server and empty-contact stand in the SOA", "[named][local]") {
  AnswerConf settings;
  settings.empty_server = "ns.ex.test";
  settings.empty_contact = "root.ex.test";
  View view(settings, true);
  CHECK(view.ask("10.in-addr.arpa", type::kNs).sections[0] == Lines{"10.in-addr.arpa. NS ns.ex.test."});
}
