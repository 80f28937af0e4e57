#include "libcommon/queue/bounce_log.h"

#include <catch2/catch.hpp>

#include "libcommon/fs/file.h"
#include "tests/support/temp_directory.h"

using namespace umaya;
using namespace umaya::queue;

namespace {

BounceRecord sample(int i) {
  BounceRecord record;
  record.recipient = {"user" + std::to_string(i) + "@example.net", "list@example.net", "rfc822;list@example.net", 4};
  record.offset = 1000 + static_cast<uint64_t>(i);
  record.status = "5.1.1";
  record.action = "failed";
  record.diag_type = "smtp";
  record.diag_text = "550 5.1.1 no\nsuch\\user";
  record.mta_type = "dns";
  record.mta_name = "mx.example.net";
  record.reason = "host mx.example.net[192.0.2.1] said: 550 5.1.1 no such user";
  return record;
}

std::vector<BounceRecord> read_log(std::string_view text) {
  BounceLogReader log(text);
  std::vector<BounceRecord> records;
  while (auto record = log.next()) records.push_back(*record);
  return records;
}

}  // namespace

TEST_CASE("bounce log: records come back as they were written", "[queue][bounce_log]") {
  test::TempDirectory root;
  for (int i = 0; i < 3; ++i) REQUIRE(append_bounce_records(root / "ABCDEF", std::vector{sample(i)}));
  auto text = fs::read_file(root / "ABCDEF", 1 << 20);
  REQUIRE(text);
  auto records = read_log(*text);
  REQUIRE(records.size() == 3);
  CHECK(records[1].recipient.address == "user1@example.net");
  CHECK(records[1].recipient.dsn_original == "rfc822;list@example.net");
  CHECK(records[1].recipient.notify == 4);
  CHECK(records[1].offset == 1001);
  CHECK(records[1].diag_text == "550 5.1.1 no\nsuch\\user");
  CHECK(records[2].reason == sample(2).reason);
}

TEST_CASE("bounce log: a record torn at any byte is passed over and the next one is found", "[queue][bounce_log]") {
  test::TempDirectory root;
  std::string one = encode_bounce_record(sample(1)), two = encode_bounce_record(sample(2));
  for (size_t cut = 0; cut < two.size() - 1; ++cut) {
    std::string path = root / ("T" + std::to_string(cut));
    auto fd = fs::create_exclusive(path, 0600);
    REQUIRE(fs::write_all(fd->get(), one + two.substr(0, cut)));
    REQUIRE(append_bounce_records(path, std::vector{sample(3)}));
    auto records = read_log(*fs::read_file(path, 1 << 20));
    REQUIRE(records.size() >= 2);
    REQUIRE(records.front().recipient.address == "user1@example.net");
    REQUIRE(records.back().recipient.address == "user3@example.net");
    if (cut < two.size() - 2) REQUIRE(records.size() == 2);
  }
}

TEST_CASE("bounce log: a flipped bit takes one record and no other", "[queue][bounce_log]") {
  std::string one = encode_bounce_record(sample(1)), two = encode_bounce_record(sample(2));
  for (size_t i = 0; i < one.size() - 2; ++i) {
    std::string text = one + two;
    text[i] = static_cast<char>(text[i] ^ 1);
    auto records = read_log(text);
    REQUIRE(records.size() == 1);
    REQUIRE(records[0].recipient.address == "user2@example.net");
  }
}
