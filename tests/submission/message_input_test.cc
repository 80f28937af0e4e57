#include "submission/message_input.h"

#include <catch2/catch.hpp>

using namespace umaya::submission;

namespace {

std::string whole(std::string_view text, InputRules rules) {
  MessageInput input(rules);
  std::string out = input.feed(text);
  return out + input.finish();
}

/// Whole, byte by byte and split at every place must agree.
std::string run(std::string_view text, InputRules rules = {}) {
  const std::string expected = whole(text, rules);
  MessageInput bytes(rules);
  std::string out;
  for (char c : text) out += bytes.feed(std::string_view(&c, 1));
  CHECK(out + bytes.finish() == expected);
  for (size_t at = 0; at <= text.size(); ++at) {
    MessageInput halves(rules);
    std::string joined = halves.feed(text.substr(0, at));
    joined += halves.feed(text.substr(at));
    CHECK(joined + halves.finish() == expected);
  }
  return expected;
}

}  // namespace

TEST_CASE("message input: lines get CRLF, also the last one without an end", "[submission]") {
  CHECK(run("Subject: x\n\nbody") == "Subject: x\r\n\r\nbody\r\n");
  CHECK(run("a\r\nb\r\n") == "a\r\nb\r\n");
  CHECK(run("") == "");
}

TEST_CASE("message input: sendmail_fix_line_endings decides about CR", "[submission]") {
  CHECK(run("a\nb\r\n", {.line_endings = LineEndings::strict}) == "a\r\nb\r\r\n");
  CHECK(run("a\r\nb\n", {.line_endings = LineEndings::strict}) == "a\r\nb\r\n");
  CHECK(run("a\r\n", {.line_endings = LineEndings::never}) == "a\r\r\n");
}

TEST_CASE("message input: a lone dot ends the message unless -i is given", "[submission]") {
  CHECK(run("a\n.\nb\n") == "a\r\n");
  CHECK(run("a\n.\nb\n", {.dot_ends = false}) == "a\r\n.\r\nb\r\n");
  CHECK(run("a\n..\n.b\n") == "a\r\n..\r\n.b\r\n");
}

TEST_CASE("message input: mbox From lines at the start are dropped, later ones are text", "[submission]") {
  CHECK(run("From me@x Mon\n>From you\nSubject: x\n\nFrom here on\n") == "Subject: x\r\n\r\nFrom here on\r\n");
}
