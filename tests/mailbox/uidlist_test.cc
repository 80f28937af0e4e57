#include "libcommon/mailbox/maildir/uidlist.h"

#include <catch2/catch.hpp>

#include "libcommon/mailbox/maildir/courier_lists.h"
#include "libcommon/mailbox/maildir/file_name.h"
#include "libcommon/mailbox/maildir/unique_id.h"

using namespace umaya::mailbox;

TEST_CASE("uidlist: both versions are read, and what is unknown stays", "[mailbox][uidlist]") {
  Uidlist list = parse_uidlist(
      "3 V1275660208 N25022 G3085f01b7f11094c501100008c4a11c1 Xkept Ytoo\n"
      "1 W120 S100 :1.a,S=100\n25021 Pid:with:colons Zunknown :2.b with blank\n");
  CHECK_FALSE(list.damaged);
  CHECK(list.uid_validity == 1275660208);
  CHECK(list.next_uid == 25022);
  CHECK(list.guid == "3085f01b7f11094c501100008c4a11c1");
  CHECK(list.other == "Xkept Ytoo");
  REQUIRE(list.lines.size() == 2);
  CHECK(uidlist_value(list.lines[0], 'W') == "120");
  CHECK_FALSE(uidlist_value(list.lines[0], 'P'));
  CHECK(uidlist_value(list.lines[1], 'P') == "id:with:colons");
  CHECK(list.lines[1].base == "2.b with blank");
  std::string again = uidlist_head(list);
  for (const UidLine& line : list.lines) append_uidlist_line(again, line);
  CHECK(again ==
        "3 V1275660208 N25022 G3085f01b7f11094c501100008c4a11c1 Xkept Ytoo\n"
        "1 W120 S100 :1.a,S=100\n25021 Pid:with:colons Zunknown :2.b with blank\n");
  list = parse_uidlist("1 77 5\n2 1.a\n4 2.b:2,S\n");
  CHECK(list.version == 1);
  CHECK(list.lines[1].base == "2.b");
  CHECK(list.next_uid == 5);
}

TEST_CASE("uidlist: A19 damage is said, and the good lines count", "[mailbox][uidlist]") {
  struct Case {
    const char* text;
    size_t lines;
    uint32_t validity, next;
  };
  for (const Case& c : {
           Case{"3 V5", 0, 0, 1},
           Case{"", 0, 0, 1},
           Case{"3 V5 N9\n1 :a\n0 :b\n", 1, 5, 9},
           Case{"3 V5 N9\n2 :a\n1 :b\n", 1, 5, 9},
           Case{"3 V5 N1\n8 :a\n", 1, 5, 9},
           Case{"3 V5 N9\n1 :a\n2 :b", 1, 5, 9},
           Case{"3 V5 N9\n1 :../x\n2 :a/b\n3 :.hidden\n4 :ok\n", 1, 5, 9},
           Case{"3 V5 N9\n4294967295 :a\n99999999999999999999 :b\n4294967294 :c\n", 1, 5, 4294967295},
           Case{"3 V5 N9\n1 :a\n2 :a\n", 1, 5, 9},
           Case{"7 V5 N9\n1 :a\n", 1, 0, 2},
           Case{"3 V0 N0\n1 :a\n", 1, 0, 2},
           Case{"3 V5 N9\n1 Pno-name\n2\n3 \n :x\n", 0, 5, 9},
       }) {
    CAPTURE(c.text);
    Uidlist list = parse_uidlist(c.text);
    CHECK(list.lines.size() == c.lines);
    CHECK(list.uid_validity == c.validity);
    CHECK(list.next_uid == c.next);
    if (*c.text && std::string_view(c.text) != "3 V5 N1\n8 :a\n") CHECK(list.damaged);
  }
  CHECK(parse_uidlist("3 V5 N9\n1 :a\n2 :a\n").lines[0].uid == 2);
}

TEST_CASE("unique id: the forms of Dovecot, Courier and Cyrus", "[mailbox][uidlist]") {
  auto made = [](std::string_view format) {
    auto parsed = UniqueIdFormat::parse(format, UniqueIdFormat::Name::id);
    return parsed ? parsed->make({26, 0x6b0269e3, "1.M2.host,S=5:2,S"}) : "error: " + parsed.error().what;
  };
  CHECK(made("%08Xu%08Xv") == "0000001a6b0269e3");
  CHECK(made("%{uid|hex(8)}%{uidvalidity|hex(8)}") == "0000001a6b0269e3");
  CHECK(made("UID%u-%v") == "UID26-1795320291");
  CHECK(made("%v.%u") == "1795320291.26");
  CHECK(made("%u") == "26");
  CHECK(made("%UXu") == "1A");
  CHECK(made("%f") == "1.M2.host");
  CHECK(made("%%%05u") == "%00026");
  CHECK(UniqueIdFormat::parse("%f", UniqueIdFormat::Name::base)->make({1, 1, "1.a,S=5:2,S"}) == "1.a,S=5");
  for (const char* bad : {"", "%v", "constant", "%x", "%", "%{uid", "%{nothing}", "%{uid|upper}", "%{uid|hex(x)}"}) {
    CAPTURE(bad);
    CHECK(made(bad).starts_with("error: "));
  }
  auto parsed = UniqueIdFormat::parse("%f", UniqueIdFormat::Name::id);
  for (const std::string& name : {std::string(71, 'x'), std::string("with blank"), std::string("\xe4")}) {
    CHECK(parsed->make({1, 1, name}).size() == 32);
    CHECK(parsed->make({1, 1, name}) == parsed->make({9, 8, name + ":2,S"}));
  }
  CHECK_FALSE(parsed->needs_uid());
  CHECK(UniqueIdFormat::parse("%v.%f", UniqueIdFormat::Name::id)->needs_uid());
}

TEST_CASE("courier lists: only good lines of a known version count", "[mailbox][uidlist]") {
  auto ids = parse_courier_sizes(
      "/2 4 9\n1.a 10 1:9\n2 b:2,S 10 2:0:1\n3.'c 10 0:0\n4.d x 4\n5.e 1 x:y\n../x 1 2:3\n 1 2:3\n6.f 1 6:9");
  REQUIRE(ids.size() == 3);
  CHECK(ids[0].unique_id == "UID1-9");
  CHECK(ids[1].base == "2 b");
  CHECK(ids[1].unique_id == "UID2");
  CHECK(ids[2].unique_id == "3.+27c");
  CHECK(parse_courier_sizes("/1 4 9\n1.a 10 1:9\n").empty());
  CHECK(parse_courier_sizes("").empty());
}

TEST_CASE("file name: flags are merged in their order", "[mailbox][uidlist]") {
  CHECK(name_with_seen("1.a") == "1.a:2,S");
  CHECK(name_with_seen("1.a:2,") == "1.a:2,S");
  CHECK(name_with_seen("1.a:2,DFPRTab") == "1.a:2,DFPRSTab");
  CHECK(name_with_seen("1.a:2,a") == "1.a:2,Sa");
  CHECK(name_with_seen("1.a:2,FS") == "1.a:2,FS");
  CHECK(name_with_seen("1.a:1,x") == "1.a:1,x");
  CHECK(name_with_seen("1.a:2,F,extra") == "1.a:2,FS,extra");
  CHECK(flags_in_name("1.a:2,DFPRSTaz") == NameFlags{63, (1u << 25) | 1});
  CHECK(flags_in_name("1.S") == NameFlags{});
  CHECK(size_in_name("1.a,S=12,W=13:2,S", 'W') == 13u);
  CHECK(size_in_name("1.a,S=12,W=13:2,S", 'S') == 12u);
  CHECK_FALSE(size_in_name("1.a:2,S=5,W=7", 'W'));
  CHECK_FALSE(size_in_name("1.a,W=99999999999999999", 'W'));
  CHECK_FALSE(size_in_name("1.a,W=", 'W'));
}
