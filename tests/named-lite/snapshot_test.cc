#include "named-lite/server/snapshot.h"

#include "libcommon/base/clock.h"
#include "named-lite/server/listen.h"
#include "tests/named-lite/snapshot_support.h"

using namespace umaya;
using namespace umaya::named;
using namespace umaya::named::testing;

TEST_CASE("snapshot: views give each client its own data", "[named][snapshot]") {
  Directory dir;
  dir.write("inside", kGood + "www A 10.0.0.1\n");
  dir.write("outside", kGood + "www A 192.0.2.80\n");
  dir.write("conf",
            dir.options() +
                "view in { match-clients { 10/8; }; zone \"ex.test\" { type primary; file \"inside\"; }; "
                "zone \"secret.test\" { type primary; file \"inside\"; }; };\n"
                "view out { match-clients { ! 192.0.2.66; any; }; zone \"ex.test\" { type primary; file \"outside\"; "
                "}; };\n");
  SnapshotResult built = build_snapshot(dir.path("conf"), nullptr);
  REQUIRE(built.snapshot);
  Responder responder(built.snapshot);
  CHECK(ask(responder, "10.1.2.3", "www.ex.test", type::kA).sections[0] == Lines{"www.ex.test. A 10.0.0.1"});
  CHECK(ask(responder, "192.0.2.9", "www.ex.test", type::kA).sections[0] == Lines{"www.ex.test. A 192.0.2.80"});
  CHECK(ask(responder, "10.1.2.3", "secret.test", type::kSoa).rcode == rcode::kNoError);
  CHECK(ask(responder, "192.0.2.9", "secret.test", type::kSoa).rcode == rcode::kRefused);
  CHECK(ask(responder, "192.0.2.66", "www.ex.test", type::kA).rcode == rcode::kRefused);
}

TEST_CASE("snapshot: allow-query of a zone goes before that of the options", "[named][snapshot]") {
  Directory dir;
  dir.write("z", kGood);
  dir.write("conf", dir.options("allow-query { 10/8; };") +
                        "zone \"a.test\" { type primary; file \"z\"; };\n"
                        "zone \"b.test\" { type primary; file \"z\"; allow-query { any; }; };\n");
  Responder responder(build_snapshot(dir.path("conf"), nullptr).snapshot);
  CHECK(ask(responder, "10.0.0.1", "a.test", type::kSoa).rcode == rcode::kNoError);
  CHECK(ask(responder, "192.0.2.9", "a.test", type::kSoa).rcode == rcode::kRefused);
  CHECK(ask(responder, "192.0.2.9", "b.test", type::kSoa).rcode == rcode::kNoError);
}

TEST_CASE("snapshot: D32 a bad zone keeps the data of before, a bad configuration gives no snapshot",
          "[named][snapshot]") {
  Directory dir;
  dir.write("z", kGood);
  dir.write("conf", dir.options() + "zone \"a.test\" { type primary; file \"z\"; };");
  SnapshotResult first = build_snapshot(dir.path("conf"), nullptr);
  dir.write("z", "nonsense\n");
  SnapshotResult second = build_snapshot(dir.path("conf"), first.snapshot);
  REQUIRE(second.snapshot);
  CHECK(second.lines.back().text == "zone a.test./IN: not loaded because of errors; serial 1 stays in service");
  Responder responder(second.snapshot);
  first = {};
  CHECK(ask(responder, "10.0.0.1", "a.test", type::kSoa).rcode == rcode::kNoError);
  Responder fresh(build_snapshot(dir.path("conf"), nullptr).snapshot);
  CHECK(ask(fresh, "10.0.0.1", "a.test", type::kSoa).rcode == rcode::kServFail);
  dir.write("conf", "options {");
  CHECK_FALSE(build_snapshot(dir.path("conf"), second.snapshot).snapshot);
  CHECK_FALSE(build_snapshot(dir.path("missing"), nullptr).snapshot);
}

TEST_CASE("snapshot: the addresses to listen on are those of the host that the list admits", "[named][snapshot]") {
  Problems problems;
  NamedConf conf = parse_named_conf(
      "options { listen-on port 5353 { 127.0.0.0/8; 127.0.0.9; }; listen-on-v6 { none; }; };", "c", {}, problems);
  std::vector<std::string> texts;
  for (const net::Endpoint& at : listen_addresses(conf, 53)) texts.push_back(at.to_string());
  CHECK(texts == std::vector<std::string>{"[127.0.0.1]:5353", "[127.0.0.9]:5353"});
}

namespace {

/// A question signed with a key named k. and this secret.
std::string signed_question(const std::string& owner, uint16_t type, const std::string& secret, int64_t late = 0) {
  TsigKey key;
  key.name = name("k.");
  key.secret = secret;
  std::string packet = question(owner, type);
  REQUIRE(TsigSigner(key).sign(packet, static_cast<uint64_t>(wall_seconds() - late)));
  return packet;
}

Answer ask_raw(Responder& responder, const std::string& packet, std::string* raw = nullptr) {
  sockaddr_in address = from("192.0.2.9");
  std::string out(kMostAnswer, '\0');
  out.resize(responder.respond(packet, reinterpret_cast<sockaddr*>(&address), Transport::udp, out));
  if (raw != nullptr) *raw = out;
  return decode(out);
}

bool gets_transfer(Responder& responder, const char* client, const std::string& packet) {
  sockaddr_in address = from(client);
  return responder.transfer(packet, reinterpret_cast<sockaddr*>(&address), Transport::tcp).has_value();
}

}  // namespace

TEST_CASE("snapshot: D24 a signed question chooses its view, and its answer is signed", "[named][snapshot]") {
  Directory dir;
  dir.write("inside", kGood + "www A 10.0.0.1\n");
  dir.write("outside", kGood + "www A 192.0.2.80\n");
  dir.write("conf",
            dir.options() +
                "key k { algorithm hmac-sha256; secret \"c2VjcmV0\"; };\n"
                "view in { match-clients { key k; }; zone \"ex.test\" { type primary; file \"inside\"; }; };\n"
                "view out { match-clients { any; }; zone \"ex.test\" { type primary; file \"outside\"; }; };\n");
  Responder responder(build_snapshot(dir.path("conf"), nullptr).snapshot);
  std::string raw;
  Answer answer = ask_raw(responder, signed_question("www.ex.test", type::kA, "secret"), &raw);
  CHECK(answer.rcode == rcode::kNoError);
  CHECK(answer.sections[0] == Lines{"www.ex.test. A 10.0.0.1"});
  TsigRecord record;
  REQUIRE(find_tsig(raw, record) == TsigFound::yes);
  CHECK(record.mac.size() == 32);
  CHECK(ask_raw(responder, question("www.ex.test", type::kA)).sections[0] == Lines{"www.ex.test. A 192.0.2.80"});

  answer = ask_raw(responder, signed_question("www.ex.test", type::kA, "another"), &raw);
  CHECK(answer.rcode == rcode::kNotAuth);
  CHECK(answer.sections[0].empty());
  REQUIRE(find_tsig(raw, record) == TsigFound::yes);
  CHECK(record.error == 16);
  CHECK(record.mac.empty());
  CHECK(ask_raw(responder, signed_question("www.ex.test", type::kA, "secret", 301)).rcode == rcode::kNotAuth);
  CHECK(responder.counters().signature_errors == 2);
}

TEST_CASE("snapshot: D19 only whom allow-transfer names gets a zone", "[named][snapshot]") {
  Directory dir;
  dir.write("z", kGood);
  dir.write("conf", "key k { algorithm hmac-sha256; secret \"c2VjcmV0\"; };\n" +
                        dir.options("allow-transfer { 10/8; };") +
                        "zone \"a.test\" { type primary; file \"z\"; };\n"
                        "zone \"b.test\" { type primary; file \"z\"; allow-transfer { key k; }; };\n");
  Responder responder(build_snapshot(dir.path("conf"), nullptr).snapshot);
  CHECK(gets_transfer(responder, "10.0.0.1", question("a.test", type::kAxfr)));
  CHECK_FALSE(gets_transfer(responder, "192.0.2.9", question("a.test", type::kAxfr)));
  CHECK_FALSE(gets_transfer(responder, "10.0.0.1", question("ns.a.test", type::kAxfr)));
  CHECK_FALSE(gets_transfer(responder, "10.0.0.1", question("a.test", type::kSoa)));
  CHECK_FALSE(gets_transfer(responder, "10.0.0.1", question("b.test", type::kAxfr)));
  CHECK(gets_transfer(responder, "10.0.0.1", signed_question("b.test", type::kAxfr, "secret")));
  CHECK_FALSE(gets_transfer(responder, "10.0.0.1", signed_question("b.test", type::kAxfr, "another")));
  CHECK(ask(responder, "10.0.0.1", "a.test", type::kAxfr).rcode == rcode::kRefused);  // over UDP
  CHECK(ask(responder, "192.0.2.9", "a.test", type::kAxfr).rcode == rcode::kRefused);
  CHECK(ask_raw(responder, signed_question("b.test", type::kAxfr, "another")).rcode == rcode::kNotAuth);
  CHECK(responder.counters().transfers == 0);  // places are counted when one begins, which nobody of these does

  dir.write("closed", dir.options() + "zone \"a.test\" { type primary; file \"z\"; };\n");
  Responder closed(build_snapshot(dir.path("closed"), nullptr).snapshot);
  CHECK_FALSE(gets_transfer(closed, "127.0.0.1", question("a.test", type::kAxfr)));
}

TEST_CASE("snapshot: D20 an IXFR question without a whole SOA is no transfer", "[named][snapshot]") {
  Directory dir;
  dir.write("z", kGood);
  dir.write("conf", dir.options("allow-transfer { any; };") + "zone \"a.test\" { type primary; file \"z\"; };\n");
  Responder responder(build_snapshot(dir.path("conf"), nullptr).snapshot);
  std::string packet = question("a.test", type::kIxfr);
  CHECK_FALSE(gets_transfer(responder, "10.0.0.1", packet));
  packet[9] = 1;  // one record in the authority section
  std::string soa("\1a\4test\0\0\6\0\1\0\0\0\0\0\26", 18);
  std::string data("\0\0\0\0\0\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 22);
  CHECK(gets_transfer(responder, "10.0.0.1", packet + soa + data));
  auto is_refused = [&](const std::string& bytes) {
    CHECK_FALSE(gets_transfer(responder, "10.0.0.1", bytes));
    CHECK(ask_raw(responder, bytes).rcode == rcode::kFormErr);
  };
  is_refused(question("a.test", type::kIxfr));
  for (size_t size = 0; size < soa.size() + data.size(); ++size) is_refused(packet + (soa + data).substr(0, size));
  soa.back() = 21;
  is_refused(packet + soa + data.substr(0, 21));
  soa.back() = 23;
  is_refused(packet + soa + data + "x");
  soa.back() = 22;
  is_refused(packet + std::string("\1b") + soa.substr(2) + data);  // of another zone
}

TEST_CASE("snapshot: what is said of the transfer of a zone, or of a server, is in the order", "[named][snapshot]") {
  Directory dir;
  dir.write("z", kGood);
  const std::string zone = "zone \"%.test\" { type primary; file \"z\"; allow-transfer { any; }; ";
  auto named = [&](const std::string& letter) { return std::string(zone).replace(zone.find('%'), 1, letter); };
  dir.write("conf", dir.options("transfer-format one-answer; max-transfer-idle-out 2; max-transfer-time-out 3;") +
                        "server 10.0.0.1 { transfer-format many-answers; };\n" + named("a") + "};\n" + named("b") +
                        "max-transfer-time-out 4; };\n");
  Responder responder(build_snapshot(dir.path("conf"), nullptr).snapshot);
  auto order_of = [&](const char* client, const std::string& apex) {
    sockaddr_in address = from(client);
    auto order = responder.transfer(question(apex, type::kAxfr), reinterpret_cast<sockaddr*>(&address), Transport::tcp);
    REQUIRE(order);
    return std::move(*order);
  };
  TransferOrder first = order_of("10.0.0.2", "a.test");
  CHECK(first.format == TransferFormat::one_answer);
  CHECK(first.most_idle == std::chrono::minutes(2));
  CHECK(first.most_time == std::chrono::minutes(3));
  CHECK(order_of("10.0.0.1", "a.test").format == TransferFormat::many_answers);
  CHECK(order_of("10.0.0.2", "b.test").most_time == std::chrono::minutes(4));
}
