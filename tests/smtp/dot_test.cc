#include "libcommon/smtp/dot.h"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

using namespace umaya::smtp;

namespace {

struct Decoded {
  std::string content;
  size_t used = 0;
  bool done = false;
  DotDecoder::Findings findings;
  bool operator==(const Decoded& o) const { return content == o.content && used == o.used && done == o.done; }
};

/// Feeds the text in pieces of the given size (0: whole, after a first piece of split octets).
Decoded decode(std::string_view text, size_t step, size_t split = 0, DotDecoder::Options options = {}) {
  DotDecoder decoder(options);
  Decoded out;
  auto sink = [&](std::string_view piece) { out.content.append(piece); };
  auto feed = [&](std::string_view piece) {
    if (!decoder.done()) out.used += decoder.feed(piece, sink);
  };
  if (step == 0) {
    feed(text.substr(0, split));
    feed(text.substr(split));
  } else {
    for (size_t i = 0; i < text.size(); i += step) feed(text.substr(i, step));
  }
  out.done = decoder.done();
  out.findings = decoder.findings();
  return out;
}

Decoded agree(std::string_view text, DotDecoder::Options options = {}) {
  Decoded whole = decode(text, 0, 0, options);
  CHECK(decode(text, 1, 0, options) == whole);
  for (size_t i = 1; i < text.size(); ++i) CHECK(decode(text, 0, i, options) == whole);
  return whole;
}

std::string encode(std::string_view text, DotEncoder::Options options, size_t step = 0) {
  DotEncoder encoder(options);
  std::string out;
  auto sink = [&](std::string_view piece) { out.append(piece); };
  if (step == 0) encoder.feed(text, sink);
  for (size_t i = 0; step != 0 && i < text.size(); i += step) encoder.feed(text.substr(i, step), sink);
  encoder.finish(sink);
  return out;
}

std::string encode_agree(std::string_view text, DotEncoder::Options options = {}) {
  std::string whole = encode(text, options);
  CHECK(encode(text, options, 1) == whole);
  CHECK(encode(text, options, 3) == whole);
  return whole;
}

}  // namespace

TEST_CASE("dot decoder: ordinary text ends at CRLF.CRLF and loses its stuffed dots", "[smtp][dot]") {
  Decoded d = agree("first\r\n..\r\n...\r\n..dot lead\r\nmid.dot\r\n\r\n.\r\nQUIT\r\n");
  CHECK(d.done);
  CHECK(d.content == "first\r\n.\r\n..\r\n.dot lead\r\nmid.dot\r\n\r\n");
  CHECK(d.used == std::string_view("first\r\n..\r\n...\r\n..dot lead\r\nmid.dot\r\n\r\n.\r\n").size());
}

TEST_CASE("dot decoder: an empty text is one line with a dot", "[smtp][dot]") {
  Decoded d = agree(".\r\nNOOP\r\n");
  CHECK(d.done);
  CHECK(d.content.empty());
  CHECK(d.used == 3);
}

TEST_CASE("S1 only CRLF.CRLF ends data, in all 36 pairs, split anywhere", "[smtp][dot][attack]") {
  const std::vector<std::string> marks = {"\r\n", "\n", "\r", "\r\r\n", std::string("\r\0\n", 3), "\n\r"};
  for (size_t a = 0; a < marks.size(); ++a) {
    for (size_t b = 0; b < marks.size(); ++b) {
      std::string fake = "text" + marks[a] + "." + marks[b];
      std::string rest = "MAIL FROM:<x@y>\r\n.\r\n";
      Decoded d = agree(fake + rest);
      INFO("pair " << a << " " << b);
      REQUIRE(d.done);
      // CRCRLF ends a line like CRLF does: the extra CR is content of the line before.
      bool ends = (a == 0 || a == 3) && b == 0;
      CHECK((d.used == fake.size()) == ends);
      if (!ends) CHECK(d.used == fake.size() + rest.size());
      if (!ends) CHECK(d.content.find("MAIL FROM") != std::string::npos);
    }
  }
}

TEST_CASE("dot decoder: bare CR, bare LF and NUL are counted, and a bare LF becomes CRLF", "[smtp][dot]") {
  Decoded d = agree(std::string("a\nb\rc\0d\r\r\n.\r\n", 14));
  CHECK(d.findings.bare_lf == 1);
  CHECK(d.findings.bare_cr == 2);
  CHECK(d.findings.nul);
  CHECK(d.content == std::string("a\r\nb\rc\0d\r\r\n", 11));
  CHECK(decode("clean\r\n.\r\n", 0).findings.bare_cr == 0);
  CHECK(decode("clean\r\n.\r\n", 1).findings.bare_lf == 0);
}

TEST_CASE("dot decoder: LF.LF ends the text of a client that never sent a CR", "[smtp][dot]") {
  CHECK(agree("a\n.\nQUIT\n", {.lf_ends_text = true}).done);
  CHECK_FALSE(agree("a\n.\nQUIT\n").done);
  CHECK_FALSE(agree("a\r\nb\n.\nQUIT\n", {.lf_ends_text = true}).done);
  CHECK_FALSE(agree("a\rb\n.\nQUIT\n", {.lf_ends_text = true}).done);
}

TEST_CASE("dot encoder: decoding gives the text back", "[smtp][dot]") {
  for (std::string text : {"", "a\r\n", ".\r\n", "..\r\n.a\r\n\r\n.\r\n", "x\r\n.\r\n.\r\ny\r\n"}) {
    std::string wire = encode_agree(text);
    Decoded d = decode(wire, 0);
    CHECK(d.done);
    CHECK(d.used == wire.size());
    CHECK(d.content == text);
  }
}

TEST_CASE("S4 stray CR and LF go out harmless and the end mark stands once, at the end", "[smtp][dot][attack]") {
  for (std::string text :
       {"a\n.\nMAIL", "a\r.\rMAIL", "a\r\n.\r\nb", "a\n.\r\nb", "a\r.\r\nb", "a\r\n.\nb", "last", "x\r", ".\r"}) {
    std::string wire = encode_agree(text);
    INFO(text);
    CHECK(wire.find("\r\n.\r\n") == wire.size() - 5);
    for (size_t i = 0; i < wire.size(); ++i) {
      if (wire[i] == '\n') CHECK((i > 0 && wire[i - 1] == '\r'));
      if (wire[i] == '\r') CHECK(wire[i + 1] == '\n');
    }
  }
}

TEST_CASE("dot encoder: long lines are broken with CRLF and a blank, not within a character", "[smtp][dot]") {
  CHECK(encode_agree("abcdefgh\r\n", {.line_limit = 4}) == "abcd\r\n efg\r\n h\r\n.\r\n");
  CHECK(encode_agree("abcd\r\n", {.line_limit = 4}) == "abcd\r\n.\r\n");
  std::string y(998, 'y');
  CHECK(encode_agree(y + "\r\n", {.line_limit = 998}) == y + "\r\n.\r\n");
  CHECK(encode("abc\xc3\xa4\r\n", {.line_limit = 4}) == "abc\r\n \xc3\xa4\r\n.\r\n");
  CHECK(encode_agree(".bcdefgh\r\n", {.line_limit = 4}) == "..bcd\r\n efg\r\n h\r\n.\r\n");
}

TEST_CASE("dot encoder: plain mode leaves dots alone and adds no end mark", "[smtp][dot]") {
  CHECK(encode_agree(".\r\n.a", {.dots = DotEncoder::Dots::plain}) == ".\r\n.a\r\n");
  CHECK(encode_agree("a\rb\n", {.bare_cr = DotEncoder::BareCr::keep}) == "a\rb\r\n.\r\n");
}
