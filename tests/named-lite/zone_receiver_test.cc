#include "named-lite/transfer/zone_receiver.h"

#include "named-lite/transfer/transfer_question.h"
#include "named-lite/transfer/zone_stream.h"
#include "named-lite/zone/record_text.h"
#include "tests/named-lite/zone_support.h"

using namespace umaya;
using namespace umaya::named;
using namespace umaya::named::testing;

using State = ZoneReceiver::State;

namespace {

const std::string kZone =
    "$TTL 60\n@ SOA ns1 Root 7 2 3 4 5\n@ NS ns1\n@ MX 10 mail.deep.in\n@ TXT \"one\" \"two\"\nns1 A 192.0.2.1\n"
    "mail.deep.in AAAA 2001:db8::1\nwww CNAME mail.deep.in\n*.w MX 5 x.w\n_s._tcp SRV 0 1 143 mail.deep.in\nd DNAME t\n"
    "c CAA 0 issue \"ca\"\nu TYPE65280 \\# 2 0102\n";

/// The messages of a transfer of the zone, each of at most this size.
std::vector<std::string> messages(size_t size, uint16_t id = 7) {
  Checked zone = check("ex.test.", kZone);
  std::string packet = zone_question(name("ex.test."), type::kAxfr, id);
  Query query;
  REQUIRE(parse_query(packet, query) == ParsedAs::answer);
  ZoneStream stream(ImagePtr(std::move(zone.image)), query, packet);
  std::vector<std::string> all;
  std::string out(size, '\0');
  while (!stream.done()) {
    size_t written = stream.next(out);
    REQUIRE(written > 0);
    all.push_back(out.substr(0, written));
  }
  return all;
}

std::string received(const std::vector<std::string>& all) {
  ZoneReceiver receiver(name("Ex.Test."), 7);
  for (const std::string& message : all) receiver.take(message);
  if (receiver.state() == State::failed) return receiver.why();
  if (receiver.state() == State::more) return "more";
  RecordList records = receiver.release();
  std::string text;
  for (const Record& record : records.records()) text += record_text(records, record) + "\n";
  return text;
}

void put16(std::string& message, size_t at, uint16_t value) {
  message[at] = static_cast<char>(value >> 8);
  message[at + 1] = static_cast<char>(value);
}

}  // namespace

TEST_CASE("zone receiver: what a zone stream sends comes out again", "[named][transfer]") {
  std::string whole = received(messages(65535));
  CHECK(whole.starts_with("@ IN SOA ns1 Root 7 2 3 4 5\n"));
  for (auto line :
       {"@ IN MX 10 mail.deep.in\n", "@ IN TXT \"one\" \"two\"\n", "*.w IN MX 5 x.w\n",
        "_s._tcp IN SRV 0 1 143 mail.deep.in\n", "c IN CAA 0 issue \"ca\"\n", "u IN TYPE65280 \\# 2 0102\n"}) {
    INFO(line);
    CHECK(whole.find(line) != std::string::npos);
  }
  for (size_t size : {size_t{120}, size_t{150}, size_t{300}}) CHECK(received(messages(size)) == whole);
}

TEST_CASE("zone receiver: D22 a transfer that is cut anywhere is no zone", "[named][transfer]") {
  std::vector<std::string> all = messages(120);
  REQUIRE(all.size() > 3);
  for (size_t count = 0; count < all.size(); ++count) {
    CHECK(received({all.begin(), all.begin() + static_cast<std::ptrdiff_t>(count)}) == "more");
  }
  std::string last = all.back();
  for (size_t size = 0; size < last.size(); ++size) {
    all.back() = last.substr(0, size);
    std::string result = received(all);
    CHECK_FALSE(result.starts_with("@ IN"));
  }
}

TEST_CASE("zone receiver: D22 what does not belong into a transfer ends it", "[named][transfer]") {
  std::vector<std::string> all = messages(120);
  SECTION("the message of another exchange") {
    CHECK(received(messages(65535, 8)) == "the answer has another id");
  }
  SECTION("an error of the server") {
    all[0][3] = 5;
    CHECK(received(all) == "the server says REFUSED");
  }
  SECTION("records behind the end") {
    all.push_back(all.back());
    CHECK(received(all) == "there is more behind the end of the zone");
  }
  SECTION("no SOA at the beginning") {
    CHECK(received({all.begin() + 1, all.end()}) == "the zone does not begin with its SOA");
  }
  SECTION("another serial at the end") {
    std::string& end = all.back();
    put16(end, end.size() - 18, 8);
    CHECK(received(all) == "the SOA at the end has another serial than that at the beginning");
  }
  SECTION("another class") {
    std::string one = messages(65535)[0];
    size_t at = one.find("\300\14\0\6\0\1", 12, 6);
    REQUIRE(at != std::string::npos);
    put16(one, at + 4, 3);
    CHECK(received({one}) == "record 1 is of another class");
  }
  SECTION("a name outside of the zone") {
    std::string one = messages(65535)[0];
    size_t at = one.find("\3ns1\300\14", 12, 6);
    REQUIRE(at != std::string::npos);
    put16(one, at + 4, 0);  // the root instead of a pointer to the zone; the octets behind it make no record
    CHECK_FALSE(received({one}).starts_with("@ IN"));
  }
  SECTION("a message without records") {
    put16(all[1], 6, 0);
    CHECK(received(all) == "a message without records");
  }
}

TEST_CASE("zone receiver: D22 a zone of too many records is not taken", "[named][transfer]") {
  ZoneReceiver receiver(name("ex.test."), 7, 5);
  CHECK(receiver.take(messages(65535)[0]) == State::failed);
  CHECK(receiver.why() == "the zone has more than 5 records");
}

TEST_CASE("zone receiver: D2 pointers that do not lead backwards are malformed", "[named][transfer]") {
  std::string one = messages(65535)[0];
  for (size_t at = 12; at + 1 < one.size(); ++at) {
    bool is_address = one.compare(at, 4, std::string_view("\300\0\2\1", 4)) == 0;
    if (static_cast<unsigned char>(one[at]) != 0xC0 || is_address) continue;
    std::string changed = one;
    put16(changed, at, static_cast<uint16_t>(0xC000 | at));
    INFO("pointer at " << at);
    CHECK(received({changed}).find("@ IN") == std::string::npos);
  }
}

TEST_CASE("zone receiver: the SOA that a server answers with gives the serial", "[named][transfer]") {
  Zones zones;
  zones.add("ex.test.", kZone);
  Name zone = name("ex.test.");
  std::string answer = zones.raw(zone_question(zone, type::kSoa, 9));
  CHECK(read_soa_answer(answer, zone, 9).serial == 7);
  CHECK_FALSE(read_soa_answer(answer, zone, 8).serial);
  CHECK(read_soa_answer(zones.raw(zone_question(name("other."), type::kSoa, 9)), name("other."), 9).why ==
        "the server says REFUSED");
  CHECK(read_soa_answer(zones.raw(zone_question(name("www.ex.test."), type::kSoa, 9)), name("www.ex.test."), 9).why ==
        "the answer has no SOA");
}
