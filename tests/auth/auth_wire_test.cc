#include "libcommon/auth/auth_wire.h"

#include <catch2/catch.hpp>

#include "libcommon/auth/auth_client.h"
#include "libcommon/auth/sasl.h"

using namespace umaya;
using namespace umaya::auth;

TEST_CASE("auth protocol: lines go over the wire and back", "[auth][wire]") {
  std::string odd("a\tb\nc\rd\001e\0f", 11);
  std::string text = AuthLine("OK").add("1").add("user", odd).add("flag").text();
  CHECK(text.ends_with('\n'));
  CHECK(text.find('\t', 5) != std::string::npos);
  AuthLine line = AuthLine::parse(text.substr(0, text.size() - 1));
  CHECK(line.verb() == "OK");
  CHECK(line.field(0) == "1");
  CHECK(line.value("user") == odd);
  CHECK(line.has("flag"));
  CHECK_FALSE(line.has("use"));
  CHECK(line.fields() == 3);
  CHECK(AuthLine::parse("").verb().empty());
  CHECK(AuthLine::parse("\t@").text() == "\t@\n");
  CHECK(AuthLine::parse("A\t\tx=").value("x") == "");
  CHECK(AuthLine::parse("AUTH\t1\tPLAIN\tresp=AGEAYg==").value("resp") == "AGEAYg==");
}

TEST_CASE("auth protocol: SASL PLAIN has exactly three parts", "[auth][sasl]") {
  auto good = parse_sasl_plain(make_sasl_plain("user", "pass word"));
  REQUIRE(good);
  CHECK(good->user == "user");
  CHECK(good->password.reveal() == "pass word");
  CHECK(good->authorize_as.empty());
  CHECK(parse_sasl_plain(std::string_view("other\0user\0pw", 13))->authorize_as == "other");
  for (std::string_view bad :
       {std::string_view(""), std::string_view("\0", 1), std::string_view("user"), std::string_view("\0user", 5),
        std::string_view("\0\0pw", 4), std::string_view("\0u\0p\0x", 6)}) {
    CHECK_FALSE(parse_sasl_plain(bad));
  }
  CHECK_FALSE(parse_sasl_plain(make_sasl_plain(std::string(2000, 'u'), "x")));
}

TEST_CASE("auth protocol: the data of a log-in are checked", "[auth][wire]") {
  auto data = parse_login_data(AuthLine::parse("USER\t1\tk.mizo\tuid=1001\tgid=1002\thome=/home/k"));
  REQUIRE(data);
  CHECK(data->user == "k.mizo");
  CHECK(data->uid == 1001);
  CHECK(data->home == "/home/k");
  for (const char* bad : {"FAIL\t1", "USER\t1\tx\tgid=1", "USER\t1\tx\tuid=-1\tgid=1", "USER\t1\t\tuid=1\tgid=1",
                          "USER\t1\tx\tuid=4294967295\tgid=1", "OK\t1\tx\tuid=1\tgid=1"}) {
    INFO(bad);
    CHECK_FALSE(parse_login_data(AuthLine::parse(bad)));
  }
}
