#include "libcommon/queue/message_file.h"

#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <cstring>

#include "libcommon/fs/calls.h"
#include "libcommon/fs/file.h"
#include "tests/support/temp_directory.h"

using namespace umaya;
using namespace umaya::queue;

namespace {

Envelope sample_envelope() {
  Envelope envelope;
  envelope.sender = "k.mizo@c5.exp.info.kochi-tech.ac.jp";
  envelope.arrival_usec = 1'700'000'000'123'456;
  envelope.flags = flag::kSmtpUtf8;
  envelope.dsn_ret = DsnReturn::headers;
  envelope.client_address = "192.168.0.162";
  envelope.extra["x_future"] = "some value";
  return envelope;
}

std::vector<Recipient> sample_recipients() {
  return {{"s.shio@c5.example", "list@c5.example", "rfc822;list@c5.example", notify::kSuccess},
          {"k.kikk@c5.example", "", "", 0},
          {"", "", "", notify::kNever}};
}

struct Stored {
  Envelope envelope;
  std::vector<StoredRecipient> recipients;
  std::string content;
};

Stored read_back(MessageReader& reader, size_t piece) {
  Stored stored{reader.envelope(), {}, {}};
  RecipientCursor cursor;
  for (;;) {
    auto some = reader.read_recipients(cursor, piece);
    REQUIRE(some);
    if (some->empty()) break;
    for (auto& recipient : *some) stored.recipients.push_back(recipient);
  }
  char buffer[1000];
  for (;;) {
    auto got = reader.read_content(buffer, stored.content.size());
    REQUIRE(got);
    if (*got == 0) break;
    stored.content.append(buffer, *got);
  }
  return stored;
}

class MemorySource final : public ByteSource {
 public:
  explicit MemorySource(std::string bytes) : bytes_(std::move(bytes)) {}
  Result<uint64_t> size() override { return bytes_.size(); }
  Result<size_t> read_at(std::span<char> buffer, uint64_t offset) override {
    if (offset >= bytes_.size()) return size_t{0};
    size_t n = std::min(buffer.size(), bytes_.size() - static_cast<size_t>(offset));
    std::memcpy(buffer.data(), bytes_.data() + offset, n);
    return n;
  }

 private:
  std::string bytes_;
};

std::string small_file(const test::TempDirectory& directory) {
  auto fd = fs::create_exclusive(directory / "M1", 0600);
  REQUIRE(fd);
  MessageWriter writer(std::move(*fd), sample_envelope());
  for (const auto& recipient : sample_recipients()) REQUIRE(writer.add_recipient(recipient));
  REQUIRE(writer.append("Subject: x\r\n\r\nhello\r\n"));
  auto done = writer.finish();
  REQUIRE(done);
  REQUIRE(mark_complete(done->get()));
  auto bytes = fs::read_file(directory / "M1", 1 << 20);
  REQUIRE(bytes);
  return *bytes;
}

class CountingCalls : public fs::Calls {
 public:
  int writes = 0;
  ssize_t write(int fd, const void* data, size_t size) override { return ++writes, Calls::write(fd, data, size); }
  ssize_t writev(int fd, const iovec* pieces, int count) override { return ++writes, Calls::writev(fd, pieces, count); }
  ssize_t pwrite(int fd, const void* data, size_t size, off_t offset) override {
    return ++writes, Calls::pwrite(fd, data, size, offset);
  }
};

}  // namespace

TEST_CASE("queue file: what was written is read back, a small message with one write", "[queue][file]") {
  test::TempDirectory directory;
  CountingCalls counting;
  {
    fs::ScopedCalls scope(counting);
    small_file(directory);
  }
  CHECK(counting.writes == 1);
  auto fd = fs::open_safe(directory / "M1");
  REQUIRE(fd);
  struct stat status;
  REQUIRE(::fstat(fd->get(), &status) == 0);
  CHECK((status.st_mode & 0777) == 0700);
  auto reader = MessageReader::open(fd->get());
  REQUIRE(reader);
  CHECK(reader->info().recipient_count == 3);
  CHECK_FALSE(reader->info().delay_notice_sent);
  for (size_t piece : {1, 2, 100}) {
    Stored stored = read_back(*reader, piece);
    CHECK(stored.envelope.sender == sample_envelope().sender);
    CHECK(stored.envelope.arrival_usec == sample_envelope().arrival_usec);
    CHECK(stored.envelope.has(flag::kSmtpUtf8));
    CHECK(stored.envelope.dsn_ret == DsnReturn::headers);
    CHECK(stored.envelope.extra == sample_envelope().extra);
    REQUIRE(stored.recipients.size() == 3);
    CHECK(stored.recipients[0].original == "list@c5.example");
    CHECK(stored.recipients[0].dsn_original == "rfc822;list@c5.example");
    CHECK(stored.recipients[0].notify == notify::kSuccess);
    CHECK(stored.recipients[1].original_or_address() == "k.kikk@c5.example");
    CHECK(stored.content == "Subject: x\r\n\r\nhello\r\n");
  }
}

TEST_CASE("queue file: what becomes known late goes to the tail", "[queue][file]") {
  test::TempDirectory directory;
  auto fd = fs::create_exclusive(directory / "M2", 0600);
  REQUIRE(fd);
  MessageWriter writer(std::move(*fd), sample_envelope());
  REQUIRE(writer.add_recipient(sample_recipients()[0]));
  std::string content;
  for (int i = 0; i < 3000; ++i) {
    std::string line = "line " + std::to_string(i) + std::string(static_cast<size_t>(i % 90), 'x') + "\r\n";
    content += line;
    REQUIRE(writer.append(line));
  }
  std::string big(200'000, 'y');
  content += big;
  REQUIRE(writer.append(big));
  REQUIRE(writer.add_recipient(sample_recipients()[1]));
  writer.envelope().content_filter = "smtp:[127.0.0.1]:10025";
  auto done = writer.finish();
  REQUIRE(done);
  auto reader = MessageReader::open(done->get());
  REQUIRE(reader);
  Stored stored = read_back(*reader, 1);
  CHECK(stored.recipients.size() == 2);
  CHECK(stored.envelope.content_filter == "smtp:[127.0.0.1]:10025");
  CHECK(stored.envelope.sender == sample_envelope().sender);
  CHECK(stored.content == content);
}

TEST_CASE("queue file: a list of 20,000 recipients is read in pieces with the states as marked", "[queue][file]") {
  test::TempDirectory directory;
  auto fd = fs::create_exclusive(directory / "M3", 0600);
  REQUIRE(fd);
  MessageWriter writer(std::move(*fd), sample_envelope());
  for (int i = 0; i < 20'000; ++i)
    REQUIRE(writer.add_recipient({"user" + std::to_string(i) + "@example.net", "", "", 0}));
  auto done = writer.finish();
  REQUIRE(done);
  auto reader = MessageReader::open(done->get());
  REQUIRE(reader);
  auto before = read_back(*reader, 777);
  REQUIRE(before.recipients.size() == 20'000);
  for (size_t i = 0; i < before.recipients.size(); i += 3) {
    REQUIRE(mark_recipient(done->get(), before.recipients[i].offset, RecipientState::delivered));
  }
  REQUIRE(mark_delay_notice_sent(done->get()));
  auto again = MessageReader::open(done->get());
  REQUIRE(again);
  CHECK(again->info().delay_notice_sent);
  auto after = read_back(*again, 10'000);
  for (size_t i = 0; i < after.recipients.size(); ++i) {
    REQUIRE(after.recipients[i].address == "user" + std::to_string(i) + "@example.net");
    REQUIRE(after.recipients[i].state == (i % 3 == 0 ? RecipientState::delivered : RecipientState::pending));
  }
}

TEST_CASE("queue file: Q10 a file cut at any byte is refused as damaged", "[queue][file]") {
  test::TempDirectory directory;
  std::string bytes = small_file(directory);
  for (size_t cut = 0; cut < bytes.size(); ++cut) {
    auto reader = MessageReader::open(std::make_unique<MemorySource>(bytes.substr(0, cut)));
    REQUIRE_FALSE(reader);
    REQUIRE(reader.error().is_permanent());
  }
  REQUIRE_FALSE(MessageReader::open(std::make_unique<MemorySource>(bytes + bytes)));
}

TEST_CASE("queue file: Q10 one flipped bit outside the text is always found", "[queue][file]") {
  test::TempDirectory directory;
  std::string bytes = small_file(directory);
  auto good = MessageReader::open(std::make_unique<MemorySource>(bytes));
  REQUIRE(good);
  size_t text = static_cast<size_t>(good->info().content_offset);
  size_t text_end = text + static_cast<size_t>(good->info().content_size);
  for (size_t i = 0; i < bytes.size(); ++i) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string bad = bytes;
      bad[i] = static_cast<char>(bad[i] ^ (1 << bit));
      bool opened = MessageReader::open(std::make_unique<MemorySource>(bad)).has_value();
      REQUIRE(opened == (i >= text && i < text_end));
    }
  }
}

TEST_CASE("queue file: a file whose writer did not finish is no message", "[queue][file]") {
  test::TempDirectory directory;
  auto fd = fs::create_exclusive(directory / "M4", 0600);
  REQUIRE(fd);
  int raw = fd->get();
  MessageWriter writer(std::move(*fd), sample_envelope());
  REQUIRE(writer.append(std::string(100'000, 'x')));
  auto reader = MessageReader::open(raw);
  REQUIRE_FALSE(reader);
  CHECK(reader.error().is_permanent());
}

TEST_CASE("queue file: an address with a line end is refused when written", "[queue][file]") {
  test::TempDirectory directory;
  auto fd = fs::create_exclusive(directory / "M5", 0600);
  REQUIRE(fd);
  MessageWriter writer(std::move(*fd), sample_envelope());
  CHECK_FALSE(writer.add_recipient({"a@b\r\nRCPT TO:<c@d>", "", "", 0}));
  CHECK_FALSE(writer.add_recipient({"a@b", std::string(40'000, 'x'), "", 0}));
}
