#include "named-lite/server/transfer_out.h"

#include "named-lite/transfer/difference.h"
#include "named-lite/transfer/transfer_question.h"
#include "named-lite/zone/change_image.h"
#include "tests/named-lite/update_support.h"
#include "tests/support/temp_directory.h"

using namespace umaya;
using namespace umaya::named;
using namespace umaya::named::testing;

namespace {

const ZoneId kId{"_default", std::string(name("ex.test.").wire())};

std::string soa_line(uint32_t serial) {
  return "@ SOA ns1 root " + std::to_string(serial) + " 2 3 4 5";
}

/// Serial 1, with some records that never change.
ImagePtr first_image(int records = 60) {
  std::string text = "$TTL 60\n" + soa_line(1) + "\n@ NS ns1\nns1 A 192.0.2.1\n";
  for (int i = 0; i < records; ++i) text += "host" + std::to_string(i) + " TXT \"some words of a host\"\n";
  return image_of(text);
}

/// A zone and its journal.
class Primary {
 public:
  explicit Primary(int records = 60) : image_(first_image(records)), snapshot_(std::make_shared<Snapshot>()) {
    auto journal = Journal::open(directory_ / "j");
    REQUIRE(journal);
    snapshot_->journal = std::move(*journal);
  }
  const ImagePtr& image() const { return image_; }
  Journal& journal() { return *snapshot_->journal; }

  /// The next serial, in which these lines go and come.
  void change(const std::vector<std::string>& goes, const std::vector<std::string>& comes) {
    uint32_t serial = image_->header().serial;
    ZoneChange step{serial, serial + 1, {record(soa_line(serial))}, {record(soa_line(serial + 1))}};
    for (const std::string& line : goes) step.removed.push_back(record(line));
    for (const std::string& line : comes) step.added.push_back(record(line));
    auto next = apply_change(image_, step);
    REQUIRE(next);
    REQUIRE(journal().append(kId, {&step, 1}, UINT64_MAX));
    image_ = *next;
  }

  TransferOrder order(uint32_t serial, Transport transport = Transport::tcp) {
    TransferOrder order;
    order.snapshot = snapshot_;
    order.zone = kId;
    order.image = image_;
    order.packet = ixfr_question(record(soa_line(serial)), 0x1234);
    order.serial = serial;
    order.transport = transport;
    return order;
  }

 private:
  test::TempDirectory directory_;
  ImagePtr image_;
  std::shared_ptr<Snapshot> snapshot_;
};

/// The records of all messages, without "ex.test.".
Lines sent(Transfer& transfer, size_t size = 65535) {
  Lines lines;
  std::string out(size, '\0');
  while (!transfer.done()) {
    size_t written = transfer.next(out);
    REQUIRE(written > 0);
    Answer answer = decode(std::string_view(out).substr(0, written));
    CHECK(answer.authoritative);
    lines.insert(lines.end(), answer.sections[0].begin(), answer.sections[0].end());
  }
  return lines;
}

Lines sent(TransferOrder order, size_t size = 65535) {
  Transfer transfer = Transfer::begin(std::move(order));
  return sent(transfer, size);
}

size_t answers(const std::string& message) {
  return decode(message).sections[0].size();
}

const Lines kOneStep = {"ex.test. SOA", "ex.test. SOA",           "a.ex.test. A 192.0.2.5",
                        "ex.test. SOA", "b.ex.test. A 192.0.2.6", "x.b.ex.test. MX 1 b.ex.test.",
                        "ex.test. SOA"};

/// Adds `a`, then puts `b` in its place.
void two_steps(Primary& primary) {
  primary.change({}, {"a A 192.0.2.5"});
  primary.change({"a A 192.0.2.5"}, {"b A 192.0.2.6", "x.b MX 1 b"});
}

}  // namespace

TEST_CASE("transfer out: who has a version of the journal gets what is new", "[named][ixfr]") {
  Primary primary;
  two_steps(primary);
  Transfer transfer = Transfer::begin(primary.order(2));
  CHECK(transfer.is_incremental());
  CHECK(sent(transfer) == kOneStep);
  CHECK(transfer.records() == 7);
}

TEST_CASE("transfer out: messages of any size give the same difference", "[named][ixfr]") {
  Primary primary;
  two_steps(primary);
  for (size_t size : {size_t{110}, size_t{130}, size_t{200}}) CHECK(sent(primary.order(2), size) == kOneStep);
}

TEST_CASE("transfer out: several changes come as one, without what came and went", "[named][ixfr]") {
  Primary primary;
  two_steps(primary);
  CHECK(sent(primary.order(1)) == Lines{"ex.test. SOA", "ex.test. SOA", "ex.test. SOA", "b.ex.test. A 192.0.2.6",
                                        "x.b.ex.test. MX 1 b.ex.test.", "ex.test. SOA"});
}

TEST_CASE("transfer out: who is up to date, or ahead, gets the SOA alone", "[named][ixfr]") {
  Primary primary;
  two_steps(primary);
  CHECK(sent(primary.order(3)) == Lines{"ex.test. SOA"});
  CHECK(sent(primary.order(9)) == Lines{"ex.test. SOA"});
  CHECK(sent(primary.order(0x80000004)).size() > 60);  // RFC 1982: behind
}

TEST_CASE("transfer out: without history the whole zone comes", "[named][ixfr]") {
  Primary primary;
  two_steps(primary);
  CHECK(sent(primary.order(0)).size() == 66);
  SECTION("without a journal") {
    REQUIRE(primary.journal().clear(kId));
    CHECK(sent(primary.order(2)).size() == 66);
  }
  SECTION("when provide-ixfr is off") {
    TransferOrder order = primary.order(2);
    order.incremental = false;
    CHECK(sent(std::move(order)).size() == 66);
  }
  SECTION("when AXFR was asked for") {
    TransferOrder order = primary.order(2);
    order.serial.reset();
    CHECK(sent(std::move(order)).size() == 66);
  }
}

TEST_CASE("transfer out: a journal that is ahead of the image counts up to the image", "[named][ixfr]") {
  Primary primary;
  two_steps(primary);
  TransferOrder order = primary.order(2);
  primary.change({}, {"c A 192.0.2.7"});
  CHECK(sent(std::move(order)) == kOneStep);
  order = primary.order(3);
  primary.change({}, {"d A 192.0.2.8"});
  order.image = first_image();  // of a zone that was read anew: no step leads to it
  CHECK(sent(std::move(order)).size() == 1);
}

TEST_CASE("transfer out: a difference beyond max-ixfr-ratio is the whole zone", "[named][ixfr]") {
  Primary primary(10);
  for (int i = 0; i < 10; ++i) primary.change({}, {"new" + std::to_string(i) + " TXT \"as many words as before\""});
  uint64_t zone = transfer_octets(*primary.image());
  auto change = difference_to(primary.journal(), kId, *primary.image(), 1, 100);
  REQUIRE(change);
  uint64_t difference = transfer_octets(*change);
  CHECK(difference < zone);
  CHECK(difference > zone / 4);
  TransferOrder order = primary.order(1);
  order.ratio = 20;
  CHECK_FALSE(Transfer::begin(std::move(order)).is_incremental());
  order = primary.order(1);
  order.ratio = 100;
  CHECK(Transfer::begin(std::move(order)).is_incremental());
  // Everything is exchanged twice: the difference is larger than the zone.
  Primary small(0);
  std::string line = "big TXT \"" + std::string(200, 'x') + "\"";
  small.change({}, {line});
  small.change({line}, {"large TXT \"" + std::string(200, 'y') + "\"", "a TXT \"" + std::string(200, 'z') + "\""});
  order = small.order(2);
  order.ratio = 50;
  CHECK_FALSE(Transfer::begin(std::move(order)).is_incremental());
  order = small.order(2);
  order.ratio = 0;  // unlimited
  CHECK(Transfer::begin(std::move(order)).is_incremental());
}

TEST_CASE("transfer out: over UDP comes what fits, else the SOA alone", "[named][ixfr]") {
  Primary primary;
  two_steps(primary);
  CHECK(answers(udp_transfer(primary.order(2, Transport::udp))) == 7);
  CHECK(answers(udp_transfer(primary.order(3, Transport::udp))) == 1);
  CHECK(answers(udp_transfer(primary.order(0, Transport::udp))) == 1);  // no history, and a zone does not come over UDP
  for (int i = 0; i < 5; ++i) primary.change({}, {"c" + std::to_string(i) + " TXT \"" + std::string(90, 'c') + "\""});
  CHECK(answers(udp_transfer(primary.order(2, Transport::udp))) == 1);
  TransferOrder order = primary.order(2, Transport::udp);
  order.udp_size = 1232;
  CHECK(answers(udp_transfer(std::move(order))) == 12);
}

TEST_CASE("transfer out: owners of another case than the zone's name are sent right", "[named][ixfr]") {
  Primary primary;
  ZoneRecord soa1 = record(soa_line(1)), soa2 = record(soa_line(2));
  ZoneRecord mixed = record("WWW A 192.0.2.9");
  mixed.owner = std::string(name("WWW.Ex.TEST.").wire());
  ZoneChange step{1, 2, {soa1}, {soa2, mixed}};
  auto next = apply_change(primary.image(), step);
  REQUIRE(next);
  REQUIRE(primary.journal().append(kId, {&step, 1}, UINT64_MAX));
  TransferOrder order = primary.order(1);
  order.image = *next;
  CHECK(sent(std::move(order)) ==
        Lines{"ex.test. SOA", "ex.test. SOA", "ex.test. SOA", "www.ex.test. A 192.0.2.9", "ex.test. SOA"});
}
