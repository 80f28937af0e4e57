#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>

#include "libcommon/base/clock.h"
#include "libcommon/fs/file.h"
#include "submission/drop_writer.h"
#include "submission/pickup.h"
#include "tests/support/failing_calls.h"

using namespace umaya;
using namespace umaya::submission;
namespace postdrop = umaya::services::postdrop;

namespace {

struct Recorder : postdrop::StreamEvents {
  Result<> on_start(postdrop::Start start) override {
    text += "start " + start.sender + "\n";
    return {};
  }
  Result<> on_recipient(services::Recipient r) override {
    text += "to " + r.address + "\n";
    return {};
  }
  Result<> on_content(std::string_view bytes) override {
    content += bytes;
    return {};
  }
  std::string text, content;
};

std::string example() {
  postdrop::Start start;
  start.sender = "alice@example.org";
  services::Recipient to;
  to.address = "bob";
  return postdrop::encode_start(start) + postdrop::encode_recipient(to) +
         postdrop::encode_content("Subject: x\r\n\r\n") + postdrop::encode_end();
}

struct TempDir {
  TempDir() {
    char name[] = "/tmp/umaya-drop-XXXXXX";
    path = ::mkdtemp(name);
  }
  ~TempDir() { std::filesystem::remove_all(path); }
  std::string path;
};

}  // namespace

TEST_CASE("drop stream: whole, byte by byte and split give the same", "[submission]") {
  const std::string bytes = example();
  for (size_t step : {bytes.size(), size_t{1}, size_t{7}}) {
    Recorder seen;
    postdrop::StreamReader reader(seen);
    for (size_t at = 0; at < bytes.size(); at += step) REQUIRE(reader.feed(std::string_view(bytes).substr(at, step)));
    CHECK(reader.ended());
    CHECK(seen.text == "start alice@example.org\nto bob\n");
    CHECK(seen.content == "Subject: x\r\n\r\n");
  }
}

TEST_CASE("drop stream: malformed records are refused", "[submission]") {
  auto refused = [](const std::string& bytes) {
    Recorder seen;
    postdrop::StreamReader reader(seen);
    return !reader.feed(bytes);
  };
  CHECK(refused(postdrop::encode_end()));
  CHECK(refused(postdrop::encode_content("x")));
  CHECK(refused(example() + "x"));
  CHECK(refused(std::string("S\xff\xff\xff\xff", 5)));
  CHECK(refused(postdrop::encode_start({}) + postdrop::encode_start({})));
  CHECK(refused(postdrop::encode_start({}) + std::string("Z\0\0\0\0", 5)));
}

TEST_CASE("drop stream: S41 line ends and NUL in sender, recipient and ENVID are refused", "[submission]") {
  for (std::string bad :
       {std::string("a\nb@x"), std::string("a\rb@x"), std::string("a\0b@x", 5), std::string("a\x7f@x")}) {
    postdrop::Start sender, envid, name;
    sender.sender = bad;
    envid.envid = bad;
    name.full_name = bad;
    for (const postdrop::Start& start : {sender, envid, name}) {
      Recorder seen;
      postdrop::StreamReader reader(seen);
      CHECK_FALSE(reader.feed(postdrop::encode_start(start)));
    }
    services::Recipient address, original, dsn;
    address.address = bad;
    original.original = bad;
    dsn.dsn_original = bad;
    for (const services::Recipient& r : {address, original, dsn}) {
      Recorder seen;
      postdrop::StreamReader reader(seen);
      REQUIRE(reader.feed(postdrop::encode_start({})));
      CHECK_FALSE(reader.feed(postdrop::encode_recipient(r)));
    }
  }
}

TEST_CASE("drop receipt: survives the way, and rubbish is an error", "[submission]") {
  auto again = postdrop::decode_receipt(postdrop::encode_receipt({"4F0A1BC23DE", 75, "no\nspace"}));
  REQUIRE(again);
  CHECK(again->queue_id == "4F0A1BC23DE");
  CHECK(again->status == 75);
  CHECK(again->reason == "no?space");
  CHECK_FALSE(postdrop::decode_receipt(""));
  CHECK_FALSE(postdrop::decode_receipt("status=9999\n"));
}

TEST_CASE("drop writer: a complete stream makes a complete file, anything else leaves nothing", "[submission]") {
  TempDir dir;
  SECTION("complete") {
    DropWriter writer({.maildrop = dir.path});
    postdrop::StreamReader reader(writer);
    REQUIRE(reader.feed(example()));
    CHECK(DropWriter::current_path() != nullptr);
    REQUIRE(writer.finish());
    CHECK(DropWriter::current_path() == nullptr);
    const std::string path = dir.path + "/" + writer.queue_id();
    struct stat status;
    REQUIRE(::stat(path.c_str(), &status) == 0);
    CHECK((status.st_mode & 0777) == 0744);
    auto fd = fs::open_safe(path);
    REQUIRE(fd);
    auto file = queue::MessageReader::open(fd->get());
    REQUIRE(file);
    CHECK(file->envelope().sender == "alice@example.org");
    CHECK(origin_of(file->envelope(), ::getuid(), 4242) == Origin::posted);
    CHECK(origin_of(file->envelope(), ::getuid() + 1, 4242) == Origin::unknown);
  }
  SECTION("abandoned") {
    {
      DropWriter writer({.maildrop = dir.path});
      postdrop::StreamReader reader(writer);
      REQUIRE(reader.feed(example().substr(0, 60)));
    }
    CHECK(std::filesystem::is_empty(dir.path));
  }
  SECTION("too large") {
    {
      DropWriter writer({.maildrop = dir.path, .size_limit = 5});
      postdrop::StreamReader reader(writer);
      CHECK_FALSE(reader.feed(example()));
      CHECK(writer.too_large());
    }
    CHECK(std::filesystem::is_empty(dir.path));
  }
}

TEST_CASE("drop writer: Q2 whichever call fails, the file is whole and marked, or there is none", "[submission]") {
  for (int error : test::kDiskErrors) {
    for (int number = 1;; ++number) {
      CAPTURE(error, number);
      TempDir dir;
      size_t descriptors = test::open_descriptors();
      test::FailingCalls failing(number, error);
      Result<> finished;
      std::string id;
      {
        fs::ScopedCalls scope(failing);
        DropWriter writer({.maildrop = dir.path});
        postdrop::StreamReader reader(writer);
        finished = reader.feed(example());
        if (finished) finished = writer.finish();
        id = writer.queue_id();
      }
      bool was_last = failing.made() < number;
      if (was_last || error == test::kShortWrite) REQUIRE(finished);
      if (finished) {
        struct stat status {};
        auto fd = fs::open_safe(dir.path + "/" + id, O_RDONLY, status);
        REQUIRE(fd);
        REQUIRE((status.st_mode & 0777) == 0744);
        REQUIRE(queue::MessageReader::open(fd->get()));
      } else {
        REQUIRE_FALSE(finished.error().is_permanent());
        REQUIRE(std::filesystem::is_empty(dir.path));
      }
      REQUIRE(test::open_descriptors() == descriptors);
      if (was_last) break;
    }
  }
}

namespace {
const queue::DropOrigin kDrop{"0123456789A", 77};
}

TEST_CASE("pickup: a queue file names the drop file that it was made from, whatever that says of itself",
          "[submission]") {
  queue::Envelope forged;
  forged.extra[queue::kDropOrigin] = "BBBBBBBBBBB:1";
  CHECK(to_submission(forged, Origin::posted, kDrop, "ID").attribute(queue::kDropOrigin) == "0123456789A:77");
  CHECK(to_submission(forged, Origin::requeued, kDrop, "ID").attribute(queue::kDropOrigin) == "0123456789A:77");
}

TEST_CASE("pickup: a message came in when it was posted, not when it was taken out of maildrop", "[submission]") {
  queue::Envelope envelope;
  envelope.arrival_usec = 5'000'000;
  CHECK(to_submission(envelope, Origin::posted, kDrop, "ID").arrival_usec == 5'000'000);
  const int64_t now = wall_usec();
  for (int64_t strange : {int64_t{0}, int64_t{-1}, now + 3'600'000'000}) {
    envelope.arrival_usec = strange;
    const int64_t arrival = to_submission(envelope, Origin::posted, kDrop, "ID").arrival_usec;
    CHECK(arrival >= now);
    CHECK(arrival <= wall_usec());
  }
}

TEST_CASE("pickup: a posted message keeps its id, a requeued one gets a new one that is the same at every try",
          "[submission]") {
  queue::Envelope envelope;
  envelope.arrival_usec = 1'700'000'000'123'456;
  for (auto form : {queue::IdForm::short_form, queue::IdForm::long_form}) {
    CHECK(submission_id(envelope, Origin::posted, kDrop, form) == kDrop.name);
    const std::string requeued = submission_id(envelope, Origin::requeued, kDrop, form);
    CHECK(queue::valid_id(requeued));
    CHECK(queue::form_of(requeued) == form);
    CHECK(requeued != kDrop.name);
    CHECK(submission_id(envelope, Origin::requeued, kDrop, form) == requeued);
    CHECK(submission_id(envelope, Origin::requeued, {kDrop.name, 78}, form) != requeued);
  }
}

TEST_CASE("pickup: only a requeued file of the mail owner keeps what its envelope says about the client",
          "[submission]") {
  queue::Envelope forged;
  forged.client_name = "trusted.example";
  forged.sender = "a@b";
  forged.arrival_usec = 5;
  CHECK(origin_of(forged, 1000, 109) == Origin::unknown);
  CHECK(origin_of(forged, 109, 109) == Origin::requeued);
  CHECK(to_submission(forged, Origin::posted, kDrop, "ID").attribute("client_name").empty());
  CHECK(to_submission(forged, Origin::requeued, kDrop, "ID").attribute("client_name") == "trusted.example");
  CHECK(to_submission(forged, Origin::requeued, kDrop, "ID").arrival_usec == 5);
}

TEST_CASE("S31 pickup: nothing that a user can write into a message makes it one of the mail system's own",
          "[submission][attack]") {
  // Address verification does not exist yet. When it does, its probes must not be made from what comes in here.
  queue::Envelope forged;
  forged.sender = "double-bounce@mx.example";
  forged.flags = UINT32_MAX;
  forged.extra["probe"] = "yes";
  services::Envelope posted = to_submission(forged, Origin::posted, kDrop, "ID");
  REQUIRE(posted.attributes.size() == 2);
  CHECK(posted.attribute(queue::kDropOrigin) == kDrop.text());
  CHECK(posted.attribute("rewrite_context") == "local");
  namespace sc = services::cleanup;
  const uint32_t options = submission_options(forged, {});
  CHECK((options & ~uint32_t{sc::kMapAddresses | sc::kCheckContent | sc::kRewriteLocally | sc::kVerifyOnly |
                             sc::kReportDelivery | sc::kHold}) == 0);
}

TEST_CASE("pickup: every bound parameter is in the table and marked used", "[submission]") {
  for (const std::string& problem : config::check_bindings(kPickupBindings)) FAIL_CHECK(problem);
}
