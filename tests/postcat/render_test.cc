#include "commands/postcat/render.h"

#include <stdlib.h>
#include <time.h>

#include <catch2/catch.hpp>

#include "libcommon/fs/file.h"
#include "tests/support/temp_directory.h"

using namespace umaya;
using namespace umaya::postcat;

namespace {

std::string shown(const View& view) {
  ::setenv("TZ", "UTC", 1);
  ::tzset();
  test::TempDirectory root;
  auto fd = fs::create_exclusive(root / "m", 0600);
  REQUIRE(fd);
  queue::Envelope envelope;
  envelope.sender = "from@example.org";
  envelope.arrival_usec = 1'795'320'000'000'000;
  envelope.client_address = "192.0.2.1";
  queue::MessageWriter writer(std::move(*fd), envelope);
  REQUIRE(writer.add_recipient({"to@example.net", "list@example.net", "", 0}));
  REQUIRE(writer.append("Subject: x\r\n\r\nhello\r\n.\r\n"));
  auto done = writer.finish();
  REQUIRE(done);
  auto reader = queue::MessageReader::open(done->get());
  REQUIRE(reader);
  std::string out;
  REQUIRE(render(*reader, "active/ABCDEF", view, [&out](std::string_view text) { out += text; }));
  return out;
}

}  // namespace

TEST_CASE("postcat: everything is shown in Postfix's form", "[postcat]") {
  CHECK(shown({}) ==
        "*** ENVELOPE RECORDS active/ABCDEF ***\n"
        "message_size:              24             246               1               0              24\n"
        "message_arrival_time: Sun Nov 22 04:00:00 2026\n"
        "create_time: Sun Nov 22 04:00:00 2026\n"
        "named_attribute: client_address=192.0.2.1\n"
        "sender: from@example.org\n"
        "original_recipient: list@example.net\n"
        "recipient: to@example.net\n"
        "*** MESSAGE CONTENTS active/ABCDEF ***\n"
        "Subject: x\n"
        "\n"
        "hello\n"
        ".\n"
        "*** HEADER EXTRACTED active/ABCDEF ***\n"
        "*** MESSAGE FILE END active/ABCDEF ***\n");
}

TEST_CASE("postcat: what stands before the offset of -s is left out", "[postcat]") {
  View view{.envelope = false, .header = true, .body = true, .types = false, .offsets = true};
  std::string all = shown(view);
  uint64_t body = std::stoull(all.substr(all.find('\n', all.find("Subject")) + 1));
  view.offsets = false;
  view.skip = body;
  CHECK(shown(view) == "\nhello\n.\n");
  view.skip = body + 1;
  CHECK(shown(view) == "hello\n.\n");
}

TEST_CASE("postcat: header and body alone are the text alone", "[postcat]") {
  CHECK(shown({.envelope = false, .header = true, .body = false}) == "Subject: x\n");
  CHECK(shown({.envelope = false, .header = false, .body = true}) == "hello\n.\n");
  CHECK(shown({.envelope = false, .header = true, .body = true}) == "Subject: x\n\nhello\n.\n");
}

TEST_CASE("postcat: offsets and types stand in front", "[postcat]") {
  std::string text = shown({.envelope = false, .header = true, .body = false, .types = true, .offsets = true});
  CHECK(text == "      246  78 Subject: x\n");
}
