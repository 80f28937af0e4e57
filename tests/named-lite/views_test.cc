#include <set>

#include "libcommon/base/clock.h"
#include "named-lite/query/client_view.h"
#include "tests/named-lite/snapshot_support.h"

using namespace umaya;
using namespace umaya::named;
using namespace umaya::named::testing;

namespace {

const std::string kEverybody = "match-clients { any; }; ";
const std::string kZone = "zone \"ex.test\" { type primary; file \"%\"; }; ";

std::string zone(const std::string& file) {
  std::string text = kZone;
  return text.replace(text.find('%'), 1, file);
}

Problems faults_of(const std::string& conf) {
  Problems problems;
  parse_named_conf(conf, "named.conf", {}, problems);
  return problems;
}

}  // namespace

TEST_CASE("views: match-destinations chooses by the address that was asked", "[named][views]") {
  Directory dir;
  dir.write("one", kGood + "www A 10.0.0.1\n");
  dir.write("two", kGood + "www A 10.0.0.2\n");
  dir.write("conf", dir.options() + "view one { match-destinations { 192.0.2.1; }; " + zone("one") + "};\n" +
                        "view two { match-destinations { ! 192.0.2.3; 192.0.2.0/24; }; " + zone("two") + "};\n");
  Responder responder(build_snapshot(dir.path("conf"), nullptr).snapshot);
  CHECK(ask(responder, "10.1.1.1", "www.ex.test", type::kA, "192.0.2.1").sections[0] ==
        Lines{"www.ex.test. A 10.0.0.1"});
  CHECK(ask(responder, "10.1.1.1", "www.ex.test", type::kA, "192.0.2.2").sections[0] ==
        Lines{"www.ex.test. A 10.0.0.2"});
  CHECK(ask(responder, "10.1.1.1", "www.ex.test", type::kA, "192.0.2.3").rcode == rcode::kRefused);
}

TEST_CASE("views: match-recursive-only takes questions with RD alone", "[named][views]") {
  Directory dir;
  dir.write("z", kGood);
  dir.write("conf", dir.options() + "view one { match-recursive-only yes; " + zone("z") + "}; view two { };\n");
  SnapshotResult built = build_snapshot(dir.path("conf"), nullptr);
  REQUIRE(built.snapshot);
  Requester client{*net::IpAddress::parse("10.0.0.1")};
  CHECK(built.snapshot->view_for(client)->conf.name == "two");
  client.recursive = true;
  CHECK(built.snapshot->view_for(client)->conf.name == "one");
}

TEST_CASE("views: allow-query-on, allow-recursion-on and allow-query-cache-on look at the address that was asked",
          "[named][views]") {
  Directory dir;
  dir.write("z", kGood);
  dir.write("conf", dir.options("allow-query-on { 192.0.2.1; }; allow-recursion { any; }; "
                                "allow-recursion-on { 192.0.2.0/30; }; allow-query-cache-on { ! 192.0.2.2; any; };") +
                        zone("z") + "zone \"open.test\" { type primary; file \"z\"; allow-query-on { any; }; };\n");
  SnapshotResult built = build_snapshot(dir.path("conf"), nullptr);
  Responder responder(built.snapshot);
  CHECK(ask(responder, "10.0.0.1", "ex.test", type::kSoa, "192.0.2.1").rcode == rcode::kNoError);
  CHECK(ask(responder, "10.0.0.1", "ex.test", type::kSoa, "192.0.2.9").rcode == rcode::kRefused);
  CHECK(ask(responder, "10.0.0.1", "open.test", type::kSoa, "192.0.2.9").rcode == rcode::kNoError);
  Requester client{*net::IpAddress::parse("10.0.0.1")};
  auto recurses_at = [&](const char* local) {
    client.local = *net::IpAddress::parse(local);
    return may_recurse(*built.snapshot->views[0], client);
  };
  CHECK(recurses_at("192.0.2.1"));
  CHECK_FALSE(recurses_at("192.0.2.2"));
  CHECK_FALSE(recurses_at("192.0.2.9"));
}

TEST_CASE("views: an in-view zone is the same zone, with the settings that it has there", "[named][views]") {
  Directory dir;
  dir.write("z", kGood);
  dir.write("conf", dir.options() + "view in { match-clients { 10/8; }; zone \"ex.test\" { type primary; file \"z\"; " +
                        "allow-query { 10/8; 192.0.2.7; }; }; };\nview out { " + kEverybody +
                        "zone \"ex.test\" { in-view in; }; };\nview third { zone \"EX.test\" { in-view out; }; };\n");
  SnapshotResult built = build_snapshot(dir.path("conf"), nullptr);
  REQUIRE(built.snapshot);
  Responder responder(built.snapshot);
  const auto& views = built.snapshot->views;
  std::string name(Name::from_text("ex.test")->wire());
  CHECK(views[0]->catalog.image_of(name) != nullptr);
  CHECK(views[0]->catalog.image_of(name) == views[1]->catalog.image_of(name));
  CHECK(views[0]->catalog.image_of(name) == views[2]->catalog.image_of(name));
  CHECK(ask(responder, "10.0.0.1", "ex.test", type::kSoa).rcode == rcode::kNoError);
  CHECK(ask(responder, "192.0.2.7", "ex.test", type::kSoa).rcode == rcode::kNoError);
  CHECK(ask(responder, "192.0.2.8", "ex.test", type::kSoa).rcode == rcode::kRefused);
  CHECK(built.snapshot->view_with(*views[1], name) == views[0].get());
  CHECK(built.snapshot->view_with(*views[2], name) == views[0].get());

  // What becomes of the zone in its own view becomes of it in all.
  std::set<size_t> told;
  responder.on_serve([&](size_t view, std::string_view, const ImagePtr&) { told.insert(view); });
  responder.serve("in", name, nullptr);
  CHECK(told == std::set<size_t>{0, 1, 2});
  CHECK(ask(responder, "192.0.2.7", "ex.test", type::kSoa).rcode == rcode::kServFail);
}

TEST_CASE("views: an in-view zone that leads nowhere is an error with file and line", "[named][views]") {
  struct Row {
    std::string conf;
    std::string expected;
  };
  const Row rows[] = {
      {"view a {\nzone \"x\" { in-view b; }; };", "there is no view \"b\""},
      {"view a {\nzone \"x\" { in-view a; }; };", "in-view names the view that the zone stands in"},
      {"view a {\nzone \"x\" { in-view b; }; }; view b { zone \"x\" { type primary; file \"f\"; }; };",
       "view \"b\" comes later: in-view is for views that stand before"},
      {"view b { }; view a {\nzone \"x\" { in-view b; }; };", "view \"b\" has no zone of that name"},
      {"view b { zone \"x\" { type forward; forwarders { 192.0.2.1; }; }; }; view a {\nzone \"x\" { in-view b; }; };",
       "in view \"b\" it is of type forward: only primary and secondary zones can be shared"},
  };
  for (const Row& row : rows) {
    Problems problems = faults_of(row.conf);
    REQUIRE(problems.errors() == 1);
    CHECK(problems.all()[0].what == "zone x.: " + row.expected);
    CHECK(problems.all()[0].place.file == "named.conf");
    CHECK(problems.all()[0].place.line == 2);
  }
}

TEST_CASE("views: the settings of a name are those of its nearest zone, whatever the number of zones",
          "[named][views]") {
  std::string conf = "options { allow-query { 10/8; }; };\n";
  for (int i = 0; i < 60'000; ++i) {
    conf += "zone \"z" + std::to_string(i) + ".test\" { type secondary; primaries { 192.0.2.1; }; };\n";
  }
  conf +=
      "zone \"test\" { type primary; file \"f\"; allow-query { none; }; };\n"
      "zone \"Own.z7.test\" { type primary; file \"f\"; allow-query { any; }; };\n"
      "zone \"fwd.own.z7.test\" { type forward; forwarders { 192.0.2.1; }; };\n";
  Problems problems;
  NamedConf parsed = parse_named_conf(conf, "c", {}, problems);
  REQUIRE_FALSE(problems.has_errors());
  Snapshot snapshot = make_snapshot(std::move(parsed), 7);
  const ServedView& view = *snapshot.views[0];
  auto admitted = [&](const std::string& name, const char* client) {
    return admits(*settings_for(view, Name::from_text(name)->wire()).allow_query, *net::IpAddress::parse(client));
  };
  CHECK(admitted("a.b.z59999.test", "10.0.0.1"));
  CHECK_FALSE(admitted("a.b.z59999.test", "192.0.2.1"));
  CHECK_FALSE(admitted("zz.test", "10.0.0.1"));
  CHECK(admitted("deep.own.z7.test", "192.0.2.1"));
  CHECK(admitted("x.fwd.own.z7.test", "192.0.2.1"));
  CHECK_FALSE(admitted("other.z7.test", "192.0.2.1"));
  CHECK(admitted("elsewhere", "10.0.0.1"));
  // Constant work: a million look-ups among 60,000 zones. One by one it would be hours.
  size_t found = 0;
  for (int i = 0; i < 1'000'000; ++i)
    found += settings_for(view, Name::from_text("a.z9.test")->wire()).allow_query != nullptr;
  CHECK(found == 1'000'000);
}

namespace {

/// What a responder says to an unsigned question or, with a secret, to one signed with key k.
struct Reply {
  size_t size = 0;
  std::string bytes;
  std::optional<RecursiveOrder> later;
};

Reply reply_to(Responder& responder, const std::string& owner, const std::string& secret = {}) {
  std::string packet = question(owner, type::kA);
  packet[2] |= 1;  // RD
  TsigKey key;
  key.name = name("k.");
  key.secret = secret;
  if (!secret.empty()) REQUIRE(TsigSigner(key).sign(packet, static_cast<uint64_t>(wall_seconds())));
  sockaddr_in client = from("10.0.0.1");
  Reply reply;
  reply.bytes.assign(kMostAnswer, '\0');
  reply.size = responder.respond(packet, reinterpret_cast<sockaddr*>(&client), Transport::udp, reply.bytes,
                                 *net::IpAddress::parse("192.0.2.53"), &reply.later);
  reply.bytes.resize(reply.size);
  return reply;
}

bool says_recursion_available(const Reply& reply) {
  return (static_cast<unsigned char>(reply.bytes.at(3)) & 0x80) != 0;
}

}  // namespace

TEST_CASE("views: who signs with a key of allow-recursion has others asked, who does not is refused",
          "[named][views]") {
  Directory dir;
  dir.write("z", kGood);
  dir.write("conf", "key k { algorithm hmac-sha256; secret \"c2VjcmV0\"; };\n" +
                        dir.options("allow-recursion { key k; }; allow-query { any; };") + zone("z"));
  Responder responder(build_snapshot(dir.path("conf"), nullptr).snapshot);
  Reply good = reply_to(responder, "www.far.test", "secret");
  REQUIRE(good.later);
  CHECK(good.size == 0);
  CHECK(good.later->signer);
  CHECK(good.later->place.view == 0);
  CHECK(good.later->place.reserved >= 32);
  CHECK(good.later->client.to_string() == "10.0.0.1");
  Reply unsigned_one = reply_to(responder, "www.far.test");
  CHECK_FALSE(unsigned_one.later);
  CHECK(decode(unsigned_one.bytes).rcode == rcode::kRefused);
  CHECK_FALSE(says_recursion_available(unsigned_one));
  Reply forged = reply_to(responder, "www.far.test", "another");
  CHECK_FALSE(forged.later);
  CHECK(decode(forged.bytes).rcode == rcode::kNotAuth);
  Reply own = reply_to(responder, "ns.ex.test", "secret");
  CHECK_FALSE(own.later);
  CHECK(says_recursion_available(own));
}

TEST_CASE("views: a key chooses the view that recurses", "[named][views]") {
  Directory dir;
  dir.write("z", kGood);
  dir.write("conf", "key k { algorithm hmac-sha256; secret \"c2VjcmV0\"; };\n" + dir.options() +
                        "view outside { match-clients { ! key k; any; }; recursion no; " + zone("z") +
                        "};\nview inside { match-clients { key k; }; allow-recursion { any; }; " + zone("z") + "};\n");
  Responder responder(build_snapshot(dir.path("conf"), nullptr).snapshot);
  Reply inside = reply_to(responder, "www.far.test", "secret");
  REQUIRE(inside.later);
  CHECK(inside.later->place.view == 1);
  Reply outside = reply_to(responder, "www.far.test");
  CHECK_FALSE(outside.later);
  CHECK(decode(outside.bytes).rcode == rcode::kRefused);
}
