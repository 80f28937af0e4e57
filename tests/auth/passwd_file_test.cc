#include "libcommon/auth/passwd_file.h"

#include <catch2/catch.hpp>

using namespace umaya;
using namespace umaya::auth;

TEST_CASE("passwd-file: fields and extra fields are read", "[auth][passwd]") {
  std::vector<std::string> problems;
  PasswdFile file = parse_passwd_file(
      "# comment\n\n"
      "k.mizo:{PLAIN}pw:1001:1002:K Mizo:/home/k.mizo:/bin/sh:userdb_mail=maildir:~/Mail allow_nets=192.168.0.0/24,::1 "
      "nologin\n"
      "short:{PLAIN}p:w\r\n"
      "nobody\n"
      "locked:*:5:5\n"
      "alice@ex.test:{PLAIN}x:::::: userdb_uid=7  userdb_gid=8 userdb_home=/h\n",
      "u", problems);
  CHECK(problems == std::vector<std::string>{"u:4: uid \"w\" is not a number"});
  const PasswdEntry* mizo = file.find("K.Mizo");
  REQUIRE(mizo);
  CHECK(mizo->user == "k.mizo");
  CHECK(mizo->uid == 1001u);
  CHECK(mizo->gid == 1002u);
  CHECK(mizo->home == "/home/k.mizo");
  CHECK(mizo->mail == "maildir:~/Mail");
  CHECK(mizo->nologin);
  CHECK(mizo->allow_nets.size() == 2);
  CHECK_FALSE(file.find("nobody")->password);
  CHECK_FALSE(file.find("locked")->password);
  CHECK(file.find("alice@ex.test")->uid == 7u);
  CHECK(file.find("alice@ex.test")->home == "/h");
  CHECK_FALSE(file.find("missing"));
}

TEST_CASE("passwd-file: each bad line is named and passed over", "[auth][passwd]") {
  std::vector<std::string> problems;
  PasswdFile file = parse_passwd_file(
      "a b:{PLAIN}x\nc:{NOSUCH}x\nd:{PLAIN}x:99999999999\ne:{PLAIN}x\ne:{PLAIN}y\n"
      "f:{PLAIN}x::::::allow_nets=nonsense\ng:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=\n",
      "u", problems);
  REQUIRE(problems.size() == 6);
  CHECK(problems[0] == "u:1: user name \"a b\": letters, digits and . - _ @ + = only, neither . nor - first");
  CHECK(problems[1] == "u:2: user c: unknown password scheme \"NOSUCH\"");
  CHECK(problems[2] == "u:3: uid \"99999999999\" is not a number");
  CHECK(problems[3] == "u:5: user e is there twice: the first line counts");
  CHECK(problems[4].starts_with("u:6: allow_nets:"));
  CHECK(problems[5].starts_with("u:7: passwords of scheme SHA are quickly guessed"));
  CHECK(file.size() == 2);
  CHECK(*file.find("e")->password->verify("x"));
}

TEST_CASE("passwd-file: A9 names that could mean something else are not looked up", "[auth][passwd]") {
  for (std::string_view bad : {std::string_view("../x"), std::string_view("%u"), std::string_view("*"),
                               std::string_view("a b"), std::string_view("a\0b", 3), std::string_view("\xff"),
                               std::string_view(""), std::string_view("a\"b"), std::string_view("a:b")}) {
    CHECK_FALSE(valid_user_name(bad));
  }
  CHECK_FALSE(valid_user_name(std::string(256, 'a')));
  CHECK(valid_user_name("k.mizo+x@ex.test"));
}

TEST_CASE("passwd-file: A10 the decoy is of the scheme that most users have", "[auth][passwd]") {
  std::vector<std::string> problems;
  PasswdFile file = parse_passwd_file("a:{PLAIN}x\nb:{SHA512-CRYPT}$6$a$b\nc:{SHA512-CRYPT}$6$c$d\n", "u", problems);
  REQUIRE(file.decoy());
  CHECK(file.decoy()->scheme() == "SHA512-CRYPT");
}
