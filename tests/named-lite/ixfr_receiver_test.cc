#include "named-lite/transfer/ixfr_receiver.h"

#include "libcommon/base/bytes.h"
#include "named-lite/transfer/change_stream.h"
#include "named-lite/transfer/transfer_question.h"
#include "named-lite/zone/merge_changes.h"
#include "tests/named-lite/update_support.h"

using namespace umaya;
using namespace umaya::named;
using namespace umaya::named::testing;

using State = IxfrReceiver::State;
using Content = IxfrReceiver::Content;

namespace {

ZoneRecord soa(uint32_t serial) {
  return record("@ SOA ns1 root " + std::to_string(serial) + " 2 3 4 5");
}

/// A message with these records as its answer.
std::string message(const std::vector<ZoneRecord>& records, uint16_t id = 7) {
  std::string packet = zone_question(name("ex.test."), type::kIxfr, id);
  packet[2] = static_cast<char>(0x84);
  packet[6] = static_cast<char>(records.size() >> 8);
  packet[7] = static_cast<char>(records.size());
  ByteWriter out(packet);
  for (const ZoneRecord& each : records) {
    out.bytes(each.owner).be16(each.type).be16(rr_class::kIn).be32(each.ttl);
    out.be16(static_cast<uint16_t>(each.rdata.size())).bytes(each.rdata);
  }
  return packet;
}

ZoneRecord a() {
  return record("a A 192.0.2.5");
}
ZoneRecord b() {
  return record("b A 192.0.2.6");
}
ZoneRecord ns() {
  return record("@ NS ns1");
}

/// From 5 over 6 to 8: a goes, b comes; b goes, a comes.
std::vector<ZoneRecord> two_steps() {
  return {soa(8), soa(5), a(), soa(6), b(), soa(6), b(), soa(8), a(), soa(8)};
}

struct Received {
  State state = State::more;
  Content content = Content::unknown;
  std::string why;
  std::vector<ZoneChange> steps;
};

Received receive(const std::vector<std::string>& messages, IxfrReceiver::Limits limits = {}) {
  IxfrReceiver receiver(name("Ex.Test."), 7, 5, limits);
  for (const std::string& each : messages) receiver.take(each);
  return {receiver.state(), receiver.content(), receiver.why(), receiver.release_steps()};
}

Received receive(const std::vector<ZoneRecord>& records, IxfrReceiver::Limits limits = {}) {
  return receive(std::vector<std::string>{message(records)}, limits);
}

/// Why such an answer is refused; empty: it is not.
std::string refusal(const std::vector<ZoneRecord>& records, IxfrReceiver::Limits limits = {}) {
  Received received = receive(records, limits);
  return received.state == State::failed ? received.why : "";
}

}  // namespace

TEST_CASE("ixfr receiver: the steps of an answer come out, however it is cut into messages", "[named][ixfr]") {
  Received whole = receive(two_steps());
  REQUIRE(whole.state == State::complete);
  CHECK(whole.content == Content::steps);
  std::vector<ZoneChange> expected = {{5, 6, {soa(5), a()}, {soa(6), b()}}, {6, 8, {soa(6), b()}, {soa(8), a()}}};
  CHECK(whole.steps == expected);
  std::vector<std::string> single;
  for (const ZoneRecord& each : two_steps()) single.push_back(message({each}));
  Received parts = receive(single);
  CHECK(parts.state == State::complete);
  CHECK(parts.steps == expected);
}

TEST_CASE("ixfr receiver: what a change stream sends comes out again", "[named][ixfr]") {
  std::vector<ZoneChange> steps = {{5, 6, {soa(5), a()}, {soa(6), b()}}, {6, 8, {soa(6), b()}, {soa(8), a()}}};
  std::string packet = ixfr_question(soa(5), 7);
  Query query;
  REQUIRE(parse_query(packet, query) == ParsedAs::answer);
  for (size_t size : {size_t{110}, size_t{65535}}) {
    ChangeStream stream(steps, query, packet);
    std::vector<std::string> messages;
    std::string out(size, '\0');
    while (size_t written = stream.next(out)) messages.push_back(out.substr(0, written));
    CHECK(stream.done());
    CHECK(receive(messages).steps == steps);
  }
}

TEST_CASE("ixfr receiver: the SOA alone says that nothing is new", "[named][ixfr]") {
  CHECK(receive({soa(5)}).content == Content::nothing_new);
  CHECK(receive({soa(4)}).content == Content::nothing_new);
  CHECK(receive({soa(6)}).state == State::more);  // the first message of more
}

TEST_CASE("ixfr receiver: a whole zone is understood, too", "[named][ixfr]") {
  Received received = receive({soa(8), ns(), a(), soa(8)});
  CHECK(received.state == State::complete);
  CHECK(received.content == Content::zone);
  CHECK(receive({message({soa(8)}), message({ns(), a()}), message({soa(8)})}).content == Content::zone);
  CHECK(refusal({soa(8), ns(), a(), soa(9)}) == "the SOA at the end has another serial than that at the beginning");
}

TEST_CASE("ixfr receiver: D22 an answer that is cut anywhere is none", "[named][ixfr]") {
  std::vector<ZoneRecord> records = two_steps();
  for (size_t count = 1; count < records.size(); ++count) {
    Received received = receive(std::vector<ZoneRecord>(records.begin(), records.begin() + static_cast<long>(count)));
    INFO(count);
    CHECK(received.state == State::more);
  }
  std::string whole = message(records);
  for (size_t size = 0; size < whole.size(); ++size) {
    CHECK(receive(std::vector<std::string>{whole.substr(0, size)}).state == State::failed);
  }
}

TEST_CASE("ixfr receiver: D22 the steps must begin at our serial and end at the newest", "[named][ixfr]") {
  CHECK(refusal({soa(8), soa(4), a(), soa(8), soa(8)}) == "the steps do not begin at serial 5");
  CHECK(refusal({soa(8), soa(8)}) == "the steps do not begin at serial 5");
  CHECK(refusal({soa(8), soa(5), a(), soa(6), b(), soa(7), b(), soa(8)}) ==
        "a step does not begin where the one before ended");
  CHECK(refusal({soa(8), soa(5), a(), soa(6), b(), soa(8)}) == "a step does not begin where the one before ended");
  CHECK(receive({soa(8), soa(5), a(), soa(9), b(), soa(9)}).state == State::more);  // beyond what it promised: no end
  CHECK(refusal({a(), soa(5)}) == "the answer does not begin with the SOA");
}

TEST_CASE("ixfr receiver: D22 serials that go backwards are refused", "[named][ixfr]") {
  CHECK(refusal({soa(8), soa(5), a(), soa(4), b(), soa(4)}) == "a step leads backwards");
  CHECK(refusal({soa(8), soa(5), a(), soa(5), b(), soa(5)}) == "a step leads backwards");
}

TEST_CASE("ixfr receiver: D22 records behind the end, of another zone or class are refused", "[named][ixfr]") {
  std::vector<ZoneRecord> records = two_steps();
  records.push_back(a());
  CHECK(refusal(records) == "there is more behind the end");
  records.back().owner = std::string(name("www.other.test.").wire());
  std::swap(records[2], records.back());
  CHECK(refusal(records) == "www.other.test. is outside of the zone");
  records = two_steps();
  records[3].owner = std::string(name("a.ex.test.").wire());
  CHECK(refusal(records) == "SOA of another name: a.ex.test.");
  std::string other_class = message(two_steps());
  size_t at = other_class.rfind(std::string("\0\6\0\1", 4));
  other_class[at + 3] = 3;
  CHECK(receive(std::vector<std::string>{other_class}).why == "record 10 is of another class");
  CHECK(receive({message(two_steps()), message({a()})}).why == "there is more behind the end");
  CHECK(receive({message({soa(8)}), message({})}).why == "a message without records");
  CHECK(receive({message({soa(8)}, 8)}).why == "the answer has another id");
}

TEST_CASE("ixfr receiver: D22 an endless answer ends at the limit", "[named][ixfr]") {
  IxfrReceiver::Limits limits;
  limits.step_records = 100;
  limits.zone_records = 50;
  std::vector<std::string> messages = {message({soa(8), soa(5)})};
  for (int i = 0; i < 200; ++i) messages.push_back(message({a(), b()}));
  CHECK(receive(messages, limits).why == "the steps have more than 100 records");
  messages[0] = message({soa(8), ns()});
  CHECK(receive(messages, limits).why == "the zone has more than 50 records");
  CHECK(receive(two_steps(), limits).state == State::complete);
}

TEST_CASE("merge changes: D22 steps of somebody else must follow one another", "[named][ixfr]") {
  ZoneChange first{5, 6, {soa(5), a()}, {soa(6), b()}};
  ZoneChange second{6, 8, {soa(6), b()}, {soa(8), a()}};
  auto why = [](std::vector<ZoneChange> steps) {
    auto fits = check_steps(steps);
    return fits ? "" : fits.error().what;
  };
  CHECK(why({first, second}).empty());
  CHECK(why({second, first}) == "a step is missing");
  CHECK(why({}) == "there are no steps");
  ZoneChange again = second;
  again.removed.push_back(a());
  CHECK(why({first, again}) == "a.ex.test. A is removed twice");
  again = second;
  again.removed.pop_back();
  again.added.push_back(b());
  CHECK(why({first, again}) == "b.ex.test. A is added twice");
}
