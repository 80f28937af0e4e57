#include "smtp-client/content_edit.h"

#include <fmt/core.h>

#include <catch2/catch.hpp>

#include "libcommon/smtp/dot.h"

using namespace umaya;
using namespace umaya::smtp_client;

namespace {

// A text that comes in pieces of one size.
class Pieces : public Content {
 public:
  Pieces(std::string text, size_t piece) : text_(std::move(text)), piece_(piece) {}
  Result<bool> pump(smtp::PieceSink sink) override {
    if (at_ >= text_.size()) return false;
    sink(std::string_view(text_).substr(at_, piece_));
    at_ += piece_;
    return true;
  }
  void rewind() override { at_ = 0; }
  uint64_t size() const override { return text_.size(); }

 private:
  std::string text_;
  size_t piece_;
  size_t at_ = 0;
};

table::Maps maps(std::string_view list) {
  return table::Maps::open(table::Options{}, "test", list);
}

// The edited text, the same for every way of cutting the input.
std::string edit(const std::string& text, EditRules& rules, Downgrade downgrade) {
  std::string first;
  for (size_t piece : {text.size() + 1, size_t{1}, size_t{7}}) {
    Pieces source(text, piece);
    EditedContent edited(source, rules, downgrade);
    for (int round = 0; round < 2; ++round) {  // the second time after rewind()
      std::string out;
      for (;;) {
        auto more = edited.pump([&out](std::string_view p) { out.append(p); });
        REQUIRE(more);
        if (!*more) break;
      }
      if (first.empty()) first = out;
      CHECK(out == first);
      edited.rewind();
    }
  }
  return first;
}

std::string downgraded(const std::string& text) {
  EditRules none;
  return edit(text, none, Downgrade::yes);
}

}  // namespace

TEST_CASE("content edit: quoted-printable is as RFC 2045 6.7 has it", "[smtp-client]") {
  CHECK(quoted_printable("plain = text\t.") == "plain =3D text\t.");
  CHECK(quoted_printable("ends in blank ") == "ends in blank=20");
  CHECK(quoted_printable("ends in tab\t") == "ends in tab=09");
  CHECK(quoted_printable("\xc3\xbc") == "=C3=BC");
  CHECK(quoted_printable(std::string(76, 'x')) == std::string(76, 'x'));
  CHECK(quoted_printable(std::string(77, 'x')) == fmt::format("{:x<75}=\r\nxx", ""));
  const std::string long_line = quoted_printable(std::string(1000, '\xff'));
  for (size_t at = 0, end; at < long_line.size(); at = end + 2) {
    end = std::min(long_line.find("\r\n", at), long_line.size());
    CHECK(end - at <= 76);
  }
}

TEST_CASE("content edit: text that declares 8bit is quoted, and says so", "[smtp-client]") {
  CHECK(downgraded("From: a\r\nMIME-Version: 1.0\r\nContent-Transfer-Encoding: 8BIT\r\n\r\n\xe4\r\nx=1\r\n") ==
        "From: a\r\nMIME-Version: 1.0\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n=E4\r\nx=3D1\r\n");
}

TEST_CASE("content edit: text that declares nothing gets its MIME headers", "[smtp-client]") {
  CHECK(downgraded("From: a\r\n\r\n\xe4\r\n") ==
        "From: a\r\nMIME-Version: 1.0\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n=E4\r\n");
}

TEST_CASE("content edit: of a multipart only the 8-bit parts change", "[smtp-client]") {
  auto whole = [](const char* top, const char* part, const char* body) {
    return fmt::format(
        "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=\"b=1\"\r\nContent-Transfer-Encoding: {}\r\n"
        "\r\npreamble\r\n--b=1\r\nContent-Type: text/plain\r\n\r\nseven = bits\r\n--b=1\r\n"
        "Content-Type: text/html\r\nContent-Transfer-Encoding: {}\r\n\r\n{}\r\n--b=1--\r\nepilogue =\r\n",
        top, part, body);
  };
  CHECK(downgraded(whole("8bit", "8bit", "<p>\xe4</p>=")) == whole("7bit", "quoted-printable", "<p>=E4</p>=3D"));
}

TEST_CASE("content edit: without downgrade and tables the text stays as it is", "[smtp-client]") {
  EditRules none;
  for (const std::string& text :
       {std::string("From: a\r\n\r\nbody \xe4\r\n"), std::string("no headers at all\r\nsecond\r\n"),
        std::string("A: b\r\n c\r\n\r\n"), std::string("A: b\r\n"), std::string("\r\nonly body\r\n"),
        fmt::format("X: y\r\n\r\n{:l<5000}\r\nend\r\n", "")}) {
    CHECK(edit(text, none, Downgrade::no) == text);
  }
}

TEST_CASE("content edit: generic maps change the addresses in headers, not the words around them", "[smtp-client]") {
  EditRules rules;
  rules.generic = maps("inline:{ { a@pc5.lan = alice@example.org }, { @pc6.lan = lab@example.org } }");
  CHECK(edit("From: \"a@pc5.lan\" <a@pc5.lan> (a@pc5.lan)\r\nTo: x@pc6.lan,\r\n b@example.net\r\n"
             "Subject: a@pc5.lan\r\n\r\na@pc5.lan\r\n",
             rules, Downgrade::no) ==
        "From: \"a@pc5.lan\" <alice@example.org> (a@pc5.lan)\r\nTo: lab@example.org,\r\n b@example.net\r\n"
        "Subject: a@pc5.lan\r\n\r\na@pc5.lan\r\n");
  CHECK(map_generic(rules, "a@pc5.lan") == "alice@example.org");
  CHECK(map_generic(rules, "z@example.net") == "z@example.net");
  CHECK(map_generic(rules, "") == "");
}

TEST_CASE("content edit: header and body checks act", "[smtp-client]") {
  EditRules rules;
  rules.header_checks = maps(
      "regexp:{ { /^Received:/ IGNORE }, { /^X-Old: (.*)/ REPLACE X-New: $1 }, "
      "{ /^Subject:/ PREPEND X-Mark: yes }, { /^To:/ REJECT no } }");
  rules.body_checks = maps("regexp:{ { /^secret/ IGNORE }, { /^loud/ REPLACE quiet } }");
  CHECK(edit("Received: from x\r\n by y\r\nX-Old: v\r\nSubject: s\r\nTo: b\r\n\r\nsecret\r\nloud\r\nkeep\r\n", rules,
             Downgrade::no) == "X-New: v\r\nX-Mark: yes\r\nSubject: s\r\nTo: b\r\n\r\nquiet\r\nkeep\r\n");
}

TEST_CASE("content edit: a table that cannot be asked stops the message", "[smtp-client]") {
  EditRules rules;
  rules.generic = maps("fail:down");
  Pieces source("From: a@b\r\n\r\nx\r\n", 100);
  EditedContent edited(source, rules, Downgrade::no);
  auto more = edited.pump([](std::string_view) {});
  REQUIRE_FALSE(more);
  CHECK_FALSE(more.error().is_permanent());
}

TEST_CASE("S4 outbound text: whatever stands in the file, the end mark goes out once", "[smtp-client]") {
  for (const std::string& text :
       {std::string("a\n.\nb\r\n"), std::string("a\r.\rb\r\n"), std::string("a\r\n.\r\nb\r\n"), std::string(".\r\n"),
        std::string("no end"), std::string("cr at end\r"), std::string("a\r\n.\nMAIL FROM:<x>\r\n"), std::string()}) {
    std::string out;
    smtp::DotEncoder encoder({.line_limit = 998});
    auto sink = [&out](std::string_view p) { out.append(p); };
    encoder.feed(text, sink);
    encoder.finish(sink);
    out.insert(0, "\r\n");
    CHECK(out.find("\r\n.\r\n") == out.size() - 5);
    for (size_t i = 0; i < out.size(); ++i) {
      if (out[i] == '\n') CHECK(out[i - 1] == '\r');
    }
  }
}
