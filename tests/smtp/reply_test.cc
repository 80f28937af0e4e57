#include "libcommon/smtp/reply.h"

#include <catch2/catch.hpp>

#include "libcommon/smtp/dsn.h"

using namespace umaya::smtp;

static Reply parse(std::initializer_list<std::string_view> lines) {
  ReplyParser parser;
  for (auto line : lines) {
    auto step = parser.add_line(line);
    REQUIRE(step);
    if (*step == ReplyParser::Step::done) return parser.take();
  }
  FAIL("reply did not end");
  return {};
}

TEST_CASE("reply: one line with an enhanced code", "[smtp][reply]") {
  Reply r = parse({"550 5.1.1 <x@y>: User unknown\r"});
  CHECK(r.code == 550);
  CHECK(r.dsn == "5.1.1");
  CHECK(r.one_line() == "550 5.1.1 <x@y>: User unknown");
}

TEST_CASE("reply: several lines become one for logs, and a code of another class is no enhanced code",
          "[smtp][reply]") {
  Reply r = parse({"250-mx.example.org", "250-SIZE 10", "250 DSN"});
  CHECK(r.lines.size() == 3);
  CHECK(r.one_line() == "250 mx.example.org; SIZE 10; DSN");
  CHECK(parse({"450 5.1.1 x"}).dsn.empty());
  CHECK(parse({"250"}).code == 250);
}

TEST_CASE("reply: malformed, changing and endless replies are temporary errors", "[smtp][reply]") {
  for (std::string_view bad : {"", "hello", "2x0 a", "650 a", "199 a", "250_a", "25"}) {
    ReplyParser parser;
    auto step = parser.add_line(bad);
    REQUIRE_FALSE(step);
    CHECK_FALSE(step.error().is_permanent());
  }
  ReplyParser changing;
  CHECK(changing.add_line("250-a"));
  CHECK_FALSE(changing.add_line("251 b"));
  ReplyParser endless;
  bool failed = false;
  for (int i = 0; i < 200 && !failed; ++i) failed = !endless.add_line("250-more");
  CHECK(failed);
}

TEST_CASE("S41 reply: a server's control bytes do not reach logs or queue files", "[smtp][reply][attack]") {
  CHECK(parse({std::string_view("550 a\x1b\nb\0c", 10)}).lines[0].find_first_of(std::string_view("\x1b\n\0", 3)) ==
        std::string::npos);
}

TEST_CASE("reply: printing puts the code and the status on every line", "[smtp][reply]") {
  CHECK(format_reply(250, "2.1.0", "Ok") == "250 2.1.0 Ok\r\n");
  CHECK(format_reply(250, "", "a\nb") == "250-a\r\n250 b\r\n");
  CHECK(format_reply(550, "5.7.1", "no\nway") == "550-5.7.1 no\r\n550 5.7.1 way\r\n");
  CHECK(format_reply(550, "5.7.1", "a\rb") == "550 5.7.1 a?b\r\n");
}

TEST_CASE("dsn: status codes are found only where they stand whole", "[smtp][dsn]") {
  CHECK(split_dsn("5.1.1 text", "5.0.0").dsn == "5.1.1");
  CHECK(split_dsn("5.1.1 text", "5.0.0").text == "text");
  CHECK(split_dsn("text", "5.0.0").dsn == "5.0.0");
  for (auto bad : {"5.1", "5.1.", "5.1.1x", "3.1.1", "5..1", "5.1234.1", "5.1.1."}) CHECK(dsn_length(bad) == 0);
  CHECK(dsn_length("5.7.2") == 5);
  CHECK(dsn_with_class("5.7.1", '4') == "4.7.1");
}

TEST_CASE("S42 dsn: a code with nothing after it has an empty text", "[smtp][dsn][attack]") {
  CHECK(split_dsn("5.7.2", "5.0.0").text.empty());
}

TEST_CASE("xtext: round trip, and no hidden control bytes", "[smtp][dsn]") {
  CHECK(xtext_encode("a+b=c d") == "a+2Bb+3Dc+20d");
  CHECK(xtext_decode("a+2Bb") == "a+b");
  CHECK(xtext_decode(xtext_encode("j\xc3\xb6rg")) == "j\xc3\xb6rg");
  for (auto bad : {"a+", "a+2", "a+zz", "a b", "a=b"}) CHECK_FALSE(xtext_decode(bad));
}

TEST_CASE("S13 xtext: +00 and +0A are refused", "[smtp][dsn][attack]") {
  CHECK_FALSE(xtext_decode("a+00b"));
  CHECK_FALSE(xtext_decode("a+0Ab"));
  CHECK_FALSE(parse_orcpt("rfc822;a+00@b"));
}

TEST_CASE("unitext: escapes and raw UTF-8", "[smtp][dsn]") {
  CHECK(unitext_decode("j\\x{F6}rg@x") == "j\xc3\xb6rg@x");
  CHECK(unitext_decode("j\xc3\xb6rg@x") == "j\xc3\xb6rg@x");
  for (auto bad : {"\\x{}", "\\x{D800}", "\\x{110000}", "\\x{0A}", "\\q", "\xff"}) CHECK_FALSE(unitext_decode(bad));
}

TEST_CASE("notify: words combine, NEVER stands alone", "[smtp][dsn]") {
  CHECK(parse_notify("NEVER") == kNotifyNever);
  CHECK(parse_notify("success,FAILURE,delay") == (kNotifySuccess | kNotifyFailure | kNotifyDelay));
  for (auto bad : {"", "NEVER,SUCCESS", "SOMETIMES", "SUCCESS,", ",DELAY"}) CHECK_FALSE(parse_notify(bad));
  CHECK(format_notify(kNotifySuccess | kNotifyDelay) == "SUCCESS,DELAY");
}

TEST_CASE("orcpt: type and address", "[smtp][dsn]") {
  auto o = parse_orcpt("rfc822;b+2Bc@x.example.org");
  REQUIRE(o);
  CHECK(o->address == "b+c@x.example.org");
  CHECK(format_orcpt(o->type, o->address) == "rfc822;b+2Bc@x.example.org");
  for (auto bad : {"bob@x", ";x", "rfc822;", "rfc822;a+zz", "a b;x"}) CHECK_FALSE(parse_orcpt(bad));
}
