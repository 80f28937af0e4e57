#include "libcommon/base/users.h"

#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdlib>
#include <fstream>

using namespace umaya;

TEST_CASE("users: a passwd line goes both ways, anything else is no entry", "[base][users]") {
  auto user = parse_passwd_line("k.mizo:x:1001:1002:K. Mizo,,,:/home/k.mizo:/bin/sh");
  REQUIRE(user);
  REQUIRE(user->uid == 1001);
  REQUIRE(user->home == "/home/k.mizo");
  REQUIRE(passwd_line(*user) == "k.mizo:x:1001:1002:K. Mizo,,,:/home/k.mizo:/bin/sh");
  for (auto bad : {"", "# comment", "a:x:1:1:g:h", "a:x:one:1:g:h:s", "a:x:1:1:g:h:s:t", ":x:1:1:g:h:s",
                   "a:x:4294967296:1::h:s"}) {
    REQUIRE_FALSE(parse_passwd_line(bad));
  }
}

TEST_CASE("users: L8 no such user and a database that cannot be asked are different answers", "[base][users]") {
  REQUIRE(find_user_entry("root")->has_value());
  REQUIRE_FALSE(find_user_entry("no.such.user.here")->has_value());
  REQUIRE_FALSE(find_user_entry(std::string_view("root\0x", 6))->has_value());
  char path[] = "passwd_XXXXXX";
  close(mkstemp(path));
  std::ofstream(path) << "k.mizo:x:1:1::/h:/s\n";
  use_passwd_file(path);
  REQUIRE(find_user_entry("k.mizo")->has_value());
  REQUIRE_FALSE(find_user_entry("root")->has_value());
  REQUIRE(find_user_by_uid(1)->value().name == "k.mizo");
  unlink(path);
  REQUIRE_FALSE(find_user_entry("k.mizo"));
  use_passwd_file("");
  REQUIRE(find_user_entry("root")->has_value());
}

TEST_CASE("users: the system's users are found again and again, and names of other hosts are nobody", "[base][users]") {
  for (int round = 0; round < 3; ++round) {
    auto root = find_user_entry("root");
    REQUIRE(root->has_value());
    REQUIRE(root->value().uid == 0);
    REQUIRE_FALSE(find_user_entry("root@example.com")->has_value());
    REQUIRE_FALSE(find_user_entry("no.such.user.here")->has_value());
  }
}

TEST_CASE("users: a passwd file that changes is read again, its first entry of a name counts", "[base][users]") {
  char path[] = "passwd_XXXXXX";
  close(mkstemp(path));
  std::ofstream(path) << "s.shio:x:7:7::/first:/s\ns.shio:x:8:8::/second:/s\n";
  use_passwd_file(path);
  REQUIRE(find_user_entry("s.shio")->value().home == "/first");
  REQUIRE_FALSE(find_user_entry("k.fuku")->has_value());
  std::ofstream(path, std::ios::app) << "k.fuku:x:9:9::/h:/s\n";
  REQUIRE(find_user_entry("k.fuku")->value().uid == 9);
  use_passwd_file("");
  unlink(path);
}
