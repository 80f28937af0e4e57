#include "named-lite/transfer/zone_stream.h"

#include <algorithm>

#include "tests/named-lite/zone_support.h"

using namespace umaya;
using namespace umaya::named;
using namespace umaya::named::testing;

namespace {

const std::string kZone =
    "$TTL 60\n@ SOA ns1 Root 7 2 3 4 5\n@ NS ns1\n@ NS ns.else.test.\n@ MX 10 mail.deep.in\n@ TXT \"one\" \"two\"\n"
    "ns1 A 192.0.2.1\nmail.deep.in AAAA 2001:db8::1\nmail.deep.in MX 5 deep.in\nwww CNAME mail.deep.in\n"
    "*.w MX 5 x.w\nsub NS ns.sub\nns.sub A 192.0.2.2\n_imap._tcp SRV 0 1 143 mail.deep.in\nd DNAME t\n"
    "t.h A 192.0.2.3\nt.h A 192.0.2.4\np PTR p2.p\n";

struct Sent {
  std::vector<std::string> records;
  size_t messages = 0;
};

/// All messages of a stream with buffers of this size.
Sent send(ZoneStream& stream, size_t size) {
  Sent sent;
  std::string out(size, '\0');
  while (!stream.done()) {
    size_t written = stream.next(out);
    REQUIRE(written > 0);
    Answer answer = decode(std::string_view(out).substr(0, written));
    CHECK(answer.authoritative);
    CHECK(answer.rcode == 0);
    CHECK(answer.sections[1].empty());
    sent.records.insert(sent.records.end(), answer.sections[0].begin(), answer.sections[0].end());
    ++sent.messages;
  }
  return sent;
}

Query parsed(const std::string& packet) {
  Query query;
  REQUIRE(parse_query(packet, query) == ParsedAs::answer);
  return query;
}

Sent send_zone(const std::string& apex, const std::string& text, size_t size) {
  Checked zone = check(apex, text);
  REQUIRE(zone.image);
  std::string packet = question(apex, type::kAxfr);
  Query query = parsed(packet);
  ZoneStream stream(ImagePtr(std::move(zone.image)), query, packet);
  return send(stream, size);
}

}  // namespace

TEST_CASE("zone stream: the zone comes whole between its SOA and its SOA", "[named][transfer]") {
  Sent sent = send_zone("ex.test.", kZone, 65535);
  CHECK(sent.messages == 1);
  REQUIRE(sent.records.size() == 18);
  CHECK(sent.records.front() == "ex.test. SOA");
  CHECK(sent.records.back() == sent.records.front());
  for (auto record :
       {"ex.test. MX 10 mail.deep.in.ex.test.", "ex.test. NS ns.else.test.", "*.w.ex.test. MX 5 x.w.ex.test.",
        "www.ex.test. CNAME mail.deep.in.ex.test.", "mail.deep.in.ex.test. MX 5 deep.in.ex.test.",
        "ns.sub.ex.test. A 192.0.2.2", "t.h.ex.test. A 192.0.2.4", "p.ex.test. PTR p2.p.ex.test."}) {
    INFO(record);
    CHECK(std::count(sent.records.begin(), sent.records.end(), record) == 1);
  }
}

TEST_CASE("zone stream: any size of message gives the same records", "[named][transfer]") {
  Sent whole = send_zone("ex.test.", kZone, 65535);
  for (size_t size : {size_t{120}, size_t{150}, size_t{200}, size_t{300}}) {
    Sent parts = send_zone("ex.test.", kZone, size);
    INFO("messages of " << size);
    CHECK(parts.messages > 1);
    CHECK(parts.records == whole.records);
  }
}

TEST_CASE("zone stream: a large zone keeps its names right beyond the reach of pointers", "[named][transfer]") {
  std::string text = "$TTL 60\n@ SOA ns root 1 2 3 4 5\n@ NS ns\nns A 192.0.2.1\n";
  for (int i = 0; i < 3000; ++i) {
    std::string n = std::to_string(i);
    text += "host" + n + ".of.net" + n + " MX 1 mx.host" + n + ".of.net" + n + "\n MX 2 mail.net" + n + "\n";
  }
  Sent sent = send_zone("ex.test.", text, 65535);
  CHECK(sent.messages > 1);
  CHECK(sent.records.size() == 6004);
  CHECK(std::count(sent.records.begin(), sent.records.end(),
                   "host2999.of.net2999.ex.test. MX 1 mx.host2999.of.net2999.ex.test.") == 1);
  CHECK(std::count(sent.records.begin(), sent.records.end(),
                   "host1500.of.net1500.ex.test. MX 2 mail.net1500.ex.test.") == 1);
}

TEST_CASE("zone stream: the root zone can be sent, too", "[named][transfer]") {
  Sent sent = send_zone(
      ".",
      "$TTL 60\n. SOA a.root. me. 1 2 3 4 5\n. NS a.root.\na.root. A 192.0.2.1\nkp. NS ns.kp.\nns.kp. A 192.0.2.9\n",
      512);
  CHECK(sent.records.size() == 6);
  CHECK(std::count(sent.records.begin(), sent.records.end(), "kp. NS ns.kp.") == 1);
}

TEST_CASE("zone stream: who is up to date gets the SOA alone", "[named][transfer]") {
  Checked zone = check("ex.test.", kZone);
  std::string packet = question("ex.test.", type::kIxfr);
  Query query = parsed(packet);
  ZoneStream stream(ImagePtr(std::move(zone.image)), query, packet, ZoneStream::Extent::soa);
  CHECK(send(stream, 512).records.size() == 1);
}

TEST_CASE("zone stream: a record that does not fit waits for a larger buffer", "[named][transfer]") {
  std::string text = "$TTL 60\n@ SOA ns root 1 2 3 4 5\n@ NS ns\nns A 192.0.2.1\nbig TXT";
  for (int i = 0; i < 100; ++i) text += " \"" + std::string(250, 'x') + "\"";
  Checked zone = check("ex.test.", text + "\n");
  std::string packet = question("ex.test.", type::kAxfr);
  Query query = parsed(packet);
  ZoneStream stream(ImagePtr(std::move(zone.image)), query, packet);
  std::string out(16384, '\0');
  while (stream.next(out) > 0) {
  }
  CHECK_FALSE(stream.done());
  out.resize(65535);
  REQUIRE(stream.next(out) > 25000);
  CHECK(stream.done());
}

TEST_CASE("zone stream: owners come in the case in which they were written", "[named][transfer]") {
  Checked zone = check("ex.test.", "$TTL 60\n@ SOA ns root 1 2 3 4 5\n@ NS Ns\nNs A 192.0.2.1\nWWW.Deep A 192.0.2.2\n");
  std::string packet = question("ex.test.", type::kAxfr);
  Query query = parsed(packet);
  ZoneStream stream(ImagePtr(std::move(zone.image)), query, packet);
  std::string out(4096, '\0');
  out.resize(stream.next(out));
  CHECK(out.find(std::string("\3WWW\4Deep\xC0\x0C", 11)) != std::string::npos);
  CHECK(out.find(std::string("\2Ns\xC0\x0C", 5)) != std::string::npos);
}

TEST_CASE("zone stream: one-answer gives each record a message of its own, and the same zone", "[named][transfer]") {
  Sent whole = send_zone("ex.test.", kZone, 65535);
  Checked zone = check("ex.test.", kZone);
  std::string packet = question("ex.test.", type::kAxfr);
  Query query = parsed(packet);
  ZoneStream stream(ImagePtr(std::move(zone.image)), query, packet, ZoneStream::Extent::zone,
                    TransferFormat::one_answer);
  Sent sent = send(stream, 65535);
  CHECK(sent.records == whole.records);
  CHECK(sent.messages == whole.records.size());
}
