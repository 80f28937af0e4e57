#include "libcommon/smtp/command.h"

#include <catch2/catch.hpp>

using namespace umaya::smtp;

TEST_CASE("command: verb and rest are divided at the first blank", "[smtp][command]") {
  Command c = parse_command("MaIl  FROM:<a b@c>  \r\n");
  CHECK(c.verb == "MaIl");
  CHECK(c.rest == "FROM:<a b@c>");
  CHECK(parse_command("QUIT\r\n").rest.empty());
  CHECK(parse_command("").verb.empty());
  CHECK(parse_command("NOOP\tx").verb == "NOOP");
}

TEST_CASE("command: words keep quoted and bracketed blanks", "[smtp][command]") {
  auto w = split_words("<\"a b\"@c> SIZE=1  BODY=7BIT");
  REQUIRE(w.size() == 3);
  CHECK(w[0] == "<\"a b\"@c>");
  CHECK(split_words("\"a > b\"@c d").size() == 2);
}

TEST_CASE("MAIL: all parameters are read", "[smtp][command]") {
  auto m = parse_mail("FROM:<a@b> SIZE=1000 body=8bitmime RET=HDRS ENVID=a+2Bb SMTPUTF8 AUTH=<>");
  REQUIRE(m);
  CHECK(m->path == "<a@b>");
  CHECK(m->size == 1000u);
  CHECK(m->body == BodyType::eight_bit_mime);
  CHECK(m->ret == Ret::headers);
  CHECK(m->envid == "a+2Bb");
  CHECK(m->smtputf8);
  CHECK(m->auth == "<>");
  CHECK(parse_mail("FROM: <a@b>")->path == "<a@b>");
  CHECK(parse_mail("from:a@b")->path == "a@b");
}

static int mail_code(std::string_view rest) {
  auto m = parse_mail(rest);
  return m ? 250 : m.error().code;
}

TEST_CASE("S27 MAIL: bad, double and unknown parameters get their codes", "[smtp][command][attack]") {
  for (auto bad : {"", "FROM:", "FROM<a@b>", "TO:<a@b>", "FROM", "FROM:<a> SIZE=abc", "FROM:<a> SIZE=-1",
                   "FROM:<a> SIZE=", "FROM:<a> SIZE=1 SIZE=1", "FROM:<a> RET=NONE", "FROM:<a> RET=FULL RET=FULL",
                   "FROM:<a> ENVID=a ENVID=b", "FROM:<a> ENVID=a+00", "FROM:<a> ENVID=", "FROM:<a> SMTPUTF8=x",
                   "FROM:<a> AUTH="}) {
    INFO(bad);
    CHECK(mail_code(bad) == 501);
  }
  for (auto bad : {"FROM:<a> FOO=bar", "FROM:<a> BODY=XBIT", "FROM:<a> REQUIRETLS", "FROM:<a> NOTIFY=NEVER"}) {
    CHECK(mail_code(bad) == 555);
  }
  CHECK(parse_mail("FROM:<a> SIZE=99999999999999999999")->size == UINT64_MAX);
  CHECK(parse_mail("FROM:<a> SIZE=0")->size == 0u);
  std::string many = "FROM:<a>";
  for (int i = 0; i < 100; ++i) many += " X=" + std::to_string(i);
  CHECK(mail_code(many) == 501);
  CHECK(mail_code("FROM:<a> SIZE=1") == 250);
  CHECK(parse_mail("FROM:<a> SIZE=1", {.size = false}).error().code == 555);
  CHECK(parse_mail("FROM:<a> XVERP").error().code == 555);
  CHECK(parse_mail("FROM:<a> xverp", {.verp = true})->verp == "");
  CHECK(parse_mail("FROM:<a> XVERP=+=", {.verp = true})->verp == "+=");
  CHECK_FALSE(parse_mail("FROM:<a>", {.verp = true})->verp);
}

TEST_CASE("RCPT: parameters and their errors", "[smtp][command]") {
  auto r = parse_rcpt("TO:<a@b> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;x+2By@z");
  REQUIRE(r);
  CHECK(r->notify == (kNotifySuccess | kNotifyDelay));
  CHECK(r->orcpt->address == "x+y@z");
  CHECK(parse_rcpt("FROM:<a@b>").error().code == 501);
  CHECK(parse_rcpt("TO:<a@b> NOTIFY=").error().code == 501);
  CHECK(parse_rcpt("TO:<a@b> NOTIFY=NEVER NOTIFY=NEVER").error().code == 501);
  CHECK(parse_rcpt("TO:<a@b> ORCPT=bob@x").error().code == 501);
  CHECK(parse_rcpt("TO:<a@b> FOO=bar").error().code == 555);
  CHECK(parse_rcpt("TO:<a@b> ORCPT=rfc822;x", {.dsn = false}).error().code == 555);
}

TEST_CASE("S8 BDAT: sizes that are no sizes are refused", "[smtp][command][attack]") {
  CHECK(parse_bdat("0")->size == 0);
  CHECK(parse_bdat("86 LAST")->last);
  CHECK(parse_bdat("2147483648")->size == 2147483648u);
  for (auto bad :
       {"", "-1", "0x10", "9223372036854775808", "99999999999999999999", "10 FIRST", "10 LAST x", "LAST", "1e3"}) {
    INFO(bad);
    CHECK_FALSE(parse_bdat(bad));
  }
}
