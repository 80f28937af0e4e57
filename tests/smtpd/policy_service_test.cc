#include "smtpd/policy_service.h"

#include <catch2/catch.hpp>

#include "tests/smtpd/session_bench.h"

using namespace umaya;
using namespace umaya::smtpd;

namespace {

/// A policy server in the bench's directory; an empty answer hangs up.
struct Server {
  Server(const Bench& bench, std::vector<std::string> given) : answers(std::move(given)) {
    auto fd = event::listen_unix(bench.cleanup.directory() + "/policy", SOCK_STREAM, 0600);
    REQUIRE(fd);
    path = bench.cleanup.directory() + "/policy";
    listener = std::make_unique<event::Listener>(
        std::move(*fd), [this](Fd peer, const event::PeerAddress&) { scope.spawn(serve(this, std::move(peer))); });
  }
  ~Server() { unlink(path.c_str()); }
  static event::Task<void> serve(Server* self, Fd fd) {
    ++self->connections;
    event::Stream stream(std::move(fd));
    std::string request;
    while (true) {
      event::Read line = co_await stream.read_line(4096);
      if (!line) co_return;
      request.append(line.data);
      if (line.data != "\n") continue;
      self->requests.push_back(std::exchange(request, {}));
      std::string answer = self->answers[std::min(self->requests.size(), self->answers.size()) - 1];
      if (answer.empty()) co_return;
      stream.write(answer);
      Result<void> sent = co_await stream.flush();
      if (!sent) co_return;
    }
  }
  std::vector<std::string> answers, requests;
  int connections = 0;
  std::string path;
  std::unique_ptr<event::Listener> listener;
  event::TaskScope scope;
};

std::string rcpt(Bench& b) {
  std::string said = b.say("RCPT TO:<alice@example.test>\r\n");
  for (int i = 0; i < 50 && said.empty(); ++i) {
    usleep(2000);
    said = b.take();
  }
  return said;
}

std::string parse_error(std::string_view argument) {
  auto service = PolicyService::parse(argument, {}, "/spool");
  return service ? "" : service.error().what;
}

}  // namespace

TEST_CASE("policy service: the answer is one action, and nothing else is one", "[smtpd][policy_service]") {
  CHECK(parse_policy_reply("action=DUNNO\n").value_or("") == "DUNNO");
  CHECK(parse_policy_reply("x=y\r\naction= reject no = yes \r\n").value_or("") == "reject no = yes");
  CHECK_FALSE(parse_policy_reply(""));
  CHECK_FALSE(parse_policy_reply("action=\n"));
  CHECK_FALSE(parse_policy_reply("nonsense\naction=OK\n"));
  CHECK_FALSE(parse_policy_reply(std::string_view("action=OK\0x\n", 12)));
}

TEST_CASE("policy service: servers and settings of their own are read, mistakes are named", "[smtpd][policy_service]") {
  CHECK(parse_error("inet:127.0.0.1:10023").empty());
  CHECK(parse_error("inet:localhost:10023").empty());
  CHECK(parse_error("inet:[::1]:10023").empty());
  CHECK(parse_error("local:private/policy").empty());
  CHECK(parse_error("inet:somewhere:10023") == "inet:somewhere:10023: use inet:address:port with numbers");
  CHECK(parse_error("127.0.0.1:10023") == "127.0.0.1:10023: use inet:address:port or unix:path");
  CHECK(parse_error("unix:") == "a path is missing after unix:");
  CHECK(parse_error("unix:x, tiemout=3s") == "tiemout: no setting of a policy service");
  auto own = PolicyService::parse("unix:x, timeout=10s, {default_action = DUNNO because} try_limit=1", {}, "/spool");
  REQUIRE(own);
  CHECK((*own)->settings().timeout == std::chrono::seconds(10));
  CHECK((*own)->settings().default_action == "DUNNO because");
  CHECK((*own)->settings().try_limit == 1);
}

TEST_CASE("policy service: actions work as in an access table, over one connection", "[smtpd][policy_service]") {
  Bench b({"smtpd_recipient_restrictions = check_policy_service { unix:policy policy_context=in }"});
  Server server(b, {"action=DUNNO\n\n", "action=reject 5.7.9 go away\n\n", "action=450 later\n\n"});
  b.open("s@sender.test");
  CHECK(rcpt(b) == "250 2.1.5 Ok\r\n");
  CHECK(rcpt(b) == "554 5.7.9 <alice@example.test>: Recipient address rejected: go away\r\n");
  CHECK(rcpt(b) == "450 4.7.1 <alice@example.test>: Recipient address rejected: later\r\n");
  CHECK(server.connections == 1);
  REQUIRE(server.requests.size() == 3);
  const std::string& request = server.requests[0];
  CHECK(request.starts_with("request=smtpd_access_policy\nprotocol_state=RCPT\nprotocol_name=ESMTP\n"));
  CHECK(request.find("\nsender=s@sender.test\nrecipient=alice@example.test\nrecipient_count=0\n"
                     "client_address=198.51.100.7\n") != std::string::npos);
  CHECK(request.find("\npolicy_context=in\n\n") != std::string::npos);
}

TEST_CASE("policy service: without an answer the default action holds, never an acceptance",
          "[smtpd][policy_service]") {
  Bench b({"smtpd_recipient_restrictions = check_policy_service unix:policy"});
  {
    Server server(b, {"", "nonsense\n\n"});
    b.open("s@sender.test");
    CHECK(rcpt(b) == "451 4.3.5 <alice@example.test>: Recipient address rejected: Server configuration problem\r\n");
    CHECK(server.connections == 2);
    CHECK(b.logged("problem talking to server unix:policy: lost connection"));
    CHECK(b.logged("problem talking to server unix:policy: answer is not name=value"));
  }
  CHECK(rcpt(b).starts_with("451 4.3.5 "));
  Bench broken({"smtpd_recipient_restrictions = check_policy_service nowhere"});
  broken.open("s@sender.test");
  CHECK(rcpt(broken).starts_with("451 4.3.5 "));
}

TEST_CASE("policy service: a connection that was closed while idle is replaced without a complaint",
          "[smtpd][policy_service]") {
  Bench b({"smtpd_recipient_restrictions = check_policy_service unix:policy"});
  Server server(b, {"action=DUNNO\n\n"});
  b.open("s@sender.test");
  CHECK(rcpt(b) == "250 2.1.5 Ok\r\n");
  server.scope.cancel();
  CHECK(rcpt(b) == "250 2.1.5 Ok\r\n");
  CHECK(server.connections == 2);
  CHECK_FALSE(b.logged("problem talking"));
}
