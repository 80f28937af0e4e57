#include <catch2/catch.hpp>

#include "tests/smtpd/login_bench.h"

using namespace umaya;
using namespace umaya::smtpd;

namespace {

int code_of(std::string_view reply) {
  return reply.size() < 3 ? 0 : std::atoi(std::string(reply.substr(0, 3)).c_str());
}

/// The reply to a recipient of ours, from this sender, with or without a log-in as alice.
std::string answer(LoginBench& b, bool logged_in, std::string_view sender) {
  b.hello();
  if (logged_in) b.log_in();
  b.say("MAIL FROM:<" + std::string(sender) + ">\r\n");
  return b.say("RCPT TO:<bob@example.test>\r\n");
}

std::vector<std::string> with(std::string restriction) {
  return {"smtpd_sender_restrictions = " + restriction,
          "smtpd_sender_login_maps = inline:{ { alice@example.test = Alice, bob }, { carol@example.test = carol }, "
          "{ @owned.test = bob }, { @alices.test = x alice } }"};
}

const std::string kOk = "250 2.1.5 Ok\r\n";

std::string not_owned(std::string_view sender) {
  return "553 5.7.1 <" + std::string(sender) + ">: Sender address rejected: not owned by user alice\r\n";
}
std::string not_logged_in(std::string_view sender) {
  return "553 5.7.1 <" + std::string(sender) + ">: Sender address rejected: not logged in\r\n";
}

}  // namespace

TEST_CASE("sender login maps: each restriction refuses what it is for, and nothing else", "[smtpd][login][policy]") {
  struct Row {
    std::string sender;
    bool owned, owned_by_alice;
  };
  const Row rows[] = {{"alice@example.test", true, true},  {"ALICE@example.test", true, true},
                      {"carol@example.test", true, false}, {"x@owned.test", true, false},
                      {"x@alices.test", true, true},       {"stranger@outside.test", false, false}};
  LoginBench all(with("reject_sender_login_mismatch")),
      authenticated(with("reject_authenticated_sender_login_mismatch")),
      known(with("reject_known_sender_login_mismatch")),
      unauthenticated(with("reject_unauthenticated_sender_login_mismatch"));
  for (const Row& row : rows) {
    INFO(row.sender);
    const std::string& s = row.sender;
    std::string wrong = row.owned_by_alice ? kOk : not_owned(s);
    std::string anonymous = row.owned ? not_logged_in(s) : kOk;
    CHECK(answer(all, true, s) == wrong);
    CHECK(answer(all, false, s) == anonymous);
    CHECK(answer(authenticated, true, s) == wrong);
    CHECK(answer(authenticated, false, s) == kOk);
    CHECK(answer(known, true, s) == (row.owned ? wrong : kOk));
    CHECK(answer(known, false, s) == anonymous);
    CHECK(answer(unauthenticated, true, s) == kOk);
    CHECK(answer(unauthenticated, false, s) == anonymous);
  }
  for (LoginBench* b : {&all, &authenticated, &known, &unauthenticated}) {
    CHECK(answer(*b, true, "") == kOk);  // bounces belong to nobody
    CHECK(answer(*b, false, "") == kOk);
  }
  // The bench that was made last has the log of all.
  CHECK(
      unauthenticated.logged("553 5.7.1 <carol@example.test>: Sender address rejected: not owned by user alice; "
                             "from=<carol@example.test> to=<bob@example.test> proto=ESMTP helo=<client.example.org> "
                             "sasl_method=PLAIN sasl_username=alice"));
}

TEST_CASE("sender login maps: a table that cannot be asked defers, and none means no check", "[smtpd][login][policy]") {
  LoginBench failing({"smtpd_sender_restrictions = reject_sender_login_mismatch", "smtpd_sender_login_maps = fail:x"});
  CHECK(code_of(answer(failing, true, "alice@example.test")) == 451);
  CHECK(code_of(answer(failing, false, "alice@example.test")) == 451);
  CHECK(code_of(answer(failing, true, "a@fails.test")) == 451);
  LoginBench none({"smtpd_sender_restrictions = reject_authenticated_sender_login_mismatch"});
  CHECK(answer(none, true, "alice@example.test") == not_owned("alice@example.test"));
  CHECK(answer(none, false, "alice@example.test") == kOk);
}

TEST_CASE("check_sasl_access: looks the user's name up, whole and without regard to case", "[smtpd][login][policy]") {
  LoginBench b({"smtpd_recipient_restrictions = check_sasl_access inline:{ { Alice = REJECT } }"});
  CHECK(answer(b, false, "a@x.org") == kOk);
  CHECK(answer(b, true, "a@x.org") == "554 5.7.1 <alice>: SASL login name rejected: Access denied\r\n");
}

TEST_CASE("policy service: hears who has logged in", "[smtpd][login][policy]") {
  Client client;
  Question q{.client = client, .where = "RCPT"};
  q.login_method = "PLAIN";
  q.login_user = "alice";
  q.login_sender = "a@b\nc";
  std::string request = policy_request(q, "");
  CHECK(request.find("\nsasl_method=PLAIN\nsasl_username=alice\nsasl_sender=a@b?c\n") != std::string::npos);
}
