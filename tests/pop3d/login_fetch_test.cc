#include "pop3d/sessions/login_fetch.h"

#include <catch2/catch.hpp>

#include "libcommon/base/strings.h"
#include "tests/support/fake_auth_server.h"

using namespace umaya;
using namespace umaya::pop3d;

namespace {

Secret key_of(char c) {
  return Secret(std::string(auth::LoginSeal::kKeySize, c));
}

/// authd with a key, as far as these questions go.
struct Server {
  explicit Server(char key) : seal(key_of(key)) {}
  auth::LoginTicket ticket(uint32_t request) {
    auth::LoginTicket ticket{42, request, "c00c1e", {}};
    auth::LoginData data;
    data.user = "alice";
    data.uid = data.gid = 1000 + request;
    ticket.sealed = seal.close(ticket, data, monotonic_now());
    return ticket;
  }
  std::string answer(const std::string& text) const {
    auth::AuthLine line = auth::AuthLine::parse(text);
    std::string id(line.field(0));
    if (line.verb() == "SEAL") return "SEAL\t" + id + "\t" + hex_encode(seal.key().reveal()) + "\n";
    if (line.verb() == "REQUEST" && line.field(3) == "known") return "USER\t" + id + "\tbob\tuid=7\tgid=8\n";
    return "FAIL\t" + id + "\n";
  }
  auth::LoginSeal seal;
};

Result<auth::LoginData> ask(LoginFetch& fetch, auth::LoginTicket ticket) {
  return event::run_until_done(fetch.ask(std::move(ticket)));
}

}  // namespace

TEST_CASE("login fetch: the key is asked for once, and again after a restart of the server", "[pop3d]") {
  auto authd = std::make_unique<Server>('k');
  test::FakeAuthServer server([&](const std::string& line) { return authd->answer(line); }, "DONE\n");
  LoginFetch fetch(server.path());
  for (uint32_t request = 1; request <= 3; ++request) {
    auto data = ask(fetch, authd->ticket(request));
    REQUIRE(data);
    CHECK(data->uid == 1000 + request);
  }
  auto questions = [&] {
    return std::count_if(server.heard.begin(), server.heard.end(), [](auto& line) { return line.starts_with("SEAL"); });
  };
  CHECK(questions() == 1);
  auth::LoginTicket before = authd->ticket(4);
  authd = std::make_unique<Server>('n');
  server.drop_clients();
  CHECK(ask(fetch, authd->ticket(5)));
  CHECK(questions() == 2);
  CHECK_FALSE(ask(fetch, before));  // what the former server sealed is nothing to the new one
}

TEST_CASE("login fetch: a sealed log-in is good once, whatever is asked in between", "[pop3d]") {
  Server authd('k');
  test::FakeAuthServer server([&](const std::string& line) { return authd.answer(line); }, "DONE\n");
  LoginFetch fetch(server.path());
  auth::LoginTicket ticket = authd.ticket(1);
  CHECK(ask(fetch, ticket));
  CHECK_FALSE(ask(fetch, ticket));
  CHECK(ask(fetch, authd.ticket(2)));
  CHECK_FALSE(ask(fetch, ticket));
  auth::LoginTicket forged = authd.ticket(3);
  forged.request = 4;
  CHECK_FALSE(ask(fetch, forged));
}

TEST_CASE("login fetch: a server that seals nothing is asked for each ticket", "[pop3d]") {
  Server authd('k');
  test::FakeAuthServer server([&](const std::string& line) { return authd.answer(line); }, "DONE\n");
  LoginFetch fetch(server.path());
  auto data = ask(fetch, {42, 1, "known", {}});
  REQUIRE(data);
  CHECK(data->user == "bob");
  CHECK_FALSE(ask(fetch, {42, 1, "unknown", {}}));
  CHECK(server.heard.back() == "REQUEST\t2\t42\t1\tunknown");
}
