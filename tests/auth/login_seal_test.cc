#include "libcommon/auth/login_seal.h"

#include <catch2/catch.hpp>

#include "libcommon/base/strings.h"

using namespace umaya;
using namespace umaya::auth;
using namespace std::chrono_literals;

namespace {

Secret key_of(char c) {
  return Secret(std::string(LoginSeal::kKeySize, c));
}

const LoginTicket kTicket{42, 7, "c00c1e", {}};

LoginData alice() {
  LoginData data;
  data.user = "alice";
  data.uid = 1001;
  data.gid = 1002;
  data.home = "/home/al\tice";
  data.mail = "maildir:~/Maildir";
  data.more = {"quota_rule=*:storage=1G"};
  return data;
}

}  // namespace

TEST_CASE("login seal: what the server says arrives whole", "[auth][seal]") {
  LoginSeal server(key_of('k')), parent(key_of('k'));
  const TimePoint now = monotonic_now();
  for (int round = 0; round < 3; ++round) {
    auto data = parent.open(server.close(kTicket, alice(), now), kTicket, now + LoginSeal::kLifetime);
    REQUIRE(data);
    CHECK(data->user == "alice");
    CHECK(data->uid == 1001);
    CHECK(data->gid == 1002);
    CHECK(data->home == "/home/al\tice");
    CHECK(data->mail == "maildir:~/Maildir");
    CHECK(data->more == std::vector<std::string>{"quota_rule=*:storage=1G"});
  }
}

TEST_CASE("login seal: A21 another key, another ticket, a change or a second use are refused", "[auth][seal]") {
  LoginSeal server(key_of('k')), parent(key_of('k')), other(key_of('x'));
  const TimePoint now = monotonic_now();
  const std::string sealed = server.close(kTicket, alice(), now);
  CHECK_FALSE(other.open(sealed, kTicket, now));
  for (const LoginTicket& ticket : {LoginTicket{43, 7, "c00c1e", {}}, LoginTicket{42, 8, "c00c1e", {}},
                                    LoginTicket{42, 7, "c00c1f", {}}, LoginTicket{4, 27, "c00c1e", {}}}) {
    CHECK_FALSE(parent.open(sealed, ticket, now));
  }
  const std::string bytes = *base64_decode(sealed);
  for (size_t i = 0; i < bytes.size(); ++i) {
    std::string changed = bytes;
    changed[i] = static_cast<char>(changed[i] ^ 1);
    CHECK_FALSE(parent.open(base64_encode(changed), kTicket, now));
    CHECK_FALSE(parent.open(base64_encode(bytes.substr(0, i)), kTicket, now));
  }
  CHECK_FALSE(parent.open("", kTicket, now));
  CHECK_FALSE(parent.open("no base64!", kTicket, now));
  CHECK_FALSE(parent.open(sealed, kTicket, now + LoginSeal::kLifetime + 1ms));
  CHECK(parent.open(sealed, kTicket, now));  // nothing of the above has spent it
  CHECK_FALSE(parent.open(sealed, kTicket, now));
}

TEST_CASE("login seal: a key of another size seals and opens nothing", "[auth][seal]") {
  LoginSeal seal{Secret("short")};
  CHECK(seal.close(kTicket, alice(), monotonic_now()).empty());
  CHECK_FALSE(seal.open(std::string(80, 'A'), kTicket, monotonic_now()));
}

TEST_CASE("login seal: numbers are good once, in about ascending order", "[auth][seal]") {
  OnceOnly once;
  CHECK(once.take(5));
  CHECK_FALSE(once.take(5));
  CHECK(once.take(0));
  CHECK(once.take(4));
  CHECK_FALSE(once.take(0));
  CHECK(once.take(OnceOnly::kWindow + 4));
  CHECK_FALSE(once.take(4));  // as far back as is remembered
  CHECK_FALSE(once.take(3));  // farther
  CHECK_FALSE(once.take(5));
  CHECK(once.take(6));
  CHECK(once.take(10 * OnceOnly::kWindow));
  CHECK_FALSE(once.take(6));
  CHECK_FALSE(once.take(9 * OnceOnly::kWindow));
  for (uint64_t k = 9 * OnceOnly::kWindow + 1; k < 10 * OnceOnly::kWindow; ++k) REQUIRE(once.take(k));
  for (uint64_t k = 9 * OnceOnly::kWindow + 1; k <= 10 * OnceOnly::kWindow; ++k) REQUIRE_FALSE(once.take(k));
}
