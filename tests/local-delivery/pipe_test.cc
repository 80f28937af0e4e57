#include <catch2/catch.hpp>

#include "local-delivery/pipe_arguments.h"
#include "local-delivery/pipe_service.h"
#include "tests/local-delivery/agent_fixture.h"

using namespace umaya;
using namespace umaya::local_delivery;
using fixture::Instance;
using services::delivery::Status;

namespace {

std::vector<std::string> argv_for(const std::vector<std::string>& arguments, const PipeMessage& message) {
  std::vector<std::string> all{"flags=", "user=nobody"};
  all.insert(all.end(), arguments.begin(), arguments.end());
  auto command = parse_pipe_arguments(all);
  REQUIRE(command);
  auto argv = expand_argv(*command, message);
  REQUIRE(argv);
  return *argv;
}

PipeMessage message_to(std::vector<PipeRecipient> recipients) {
  PipeMessage message;
  message.sender = "a b@Example.org";
  message.nexthop = "Example.COM";
  message.queue_id = "ABC";
  message.size = 42;
  message.recipient_delimiter = "+";
  message.recipients = std::move(recipients);
  message.attributes = {{"client_address", "192.0.2.1"}, {"sasl_username", ""}};
  return message;
}

using Words = std::vector<std::string>;

}  // namespace

TEST_CASE("pipe arguments: macros of the recipient repeat an argument, others do not", "[pipe]") {
  PipeMessage message = message_to({{"Kim+List@Ex.com", "kim@old"}, {"lee@Ex.com", ""}});
  REQUIRE(argv_for({"argv=/x", "-f", "$sender", "$(nexthop)", "${size}", "$$", "$client_address"}, message) ==
          Words{"/x", "-f", "a b@Example.org", "Example.COM", "42", "$", "192.0.2.1"});
  REQUIRE(argv_for({"argv=/x", "--", "$recipient"}, message) == Words{"/x", "--", "Kim+List@Ex.com", "lee@Ex.com"});
  REQUIRE(argv_for({"argv=/x", "$user/$extension@$domain", "$mailbox", "$original_recipient"}, message) ==
          Words{"/x", "Kim/List@Ex.com", "lee/@Ex.com", "Kim+List", "lee", "kim@old", "lee@Ex.com"});
}

TEST_CASE("pipe arguments: S22 a macro without a value leaves an empty argument in its place", "[pipe]") {
  PipeMessage message = message_to({{"+x@d", ""}});
  message.sender = "";
  REQUIRE(argv_for({"argv=/x", "$user", "$extension", "-z"}, message) == Words{"/x", "+x", "", "-z"});
  REQUIRE(argv_for({"argv=/x", "$user", "last"}, message_to({{"@d", ""}})) == Words{"/x", "", "last"});
  REQUIRE(argv_for({"null_sender=", "argv=/x", "-f", "$sender", "$sasl_username", "last"}, message) ==
          Words{"/x", "-f", "", "", "last"});
  REQUIRE(argv_for({"argv=/x", "$sender"}, message) == Words{"/x", "MAILER-DAEMON"});
}

TEST_CASE("pipe arguments: S22 shell characters are only characters", "[pipe]") {
  PipeMessage message = message_to({{"`id`;$(id)|>x -rf $user@d", ""}});
  REQUIRE(argv_for({"argv=/x", "$recipient"}, message) == Words{"/x", "`id`;$(id)|>x -rf $user@d"});
}

TEST_CASE("pipe arguments: flags fold and quote", "[pipe]") {
  PipeMessage message = message_to({{"Kim A+B@EX.com", ""}});
  REQUIRE(argv_for({"flags=hqu", "argv=/x", "$recipient", "$user", "$domain", "$nexthop", "$sender"}, message) ==
          Words{"/x", "\"kim a+b\"@ex.com", "kim a", "ex.com", "example.com", "\"a b\"@Example.org"});
}

TEST_CASE("pipe arguments: mistakes are named", "[pipe]") {
  for (auto& bad : std::vector<Words>{{"user=x"},
                                      {"user=x", "argv="},
                                      {"argv=/x"},
                                      {"flags=Z", "user=x", "argv=/x"},
                                      {"size=big", "user=x", "argv=/x"},
                                      {"nonsense", "user=x", "argv=/x"},
                                      {"color=red", "user=x", "argv=/x"}}) {
    REQUIRE_FALSE(parse_pipe_arguments(bad));
  }
  auto command = parse_pipe_arguments({"user=x", "argv=/x", "$nothing"});
  REQUIRE(command);
  REQUIRE_FALSE(expand_argv(*command, message_to({{"a@b", ""}})));
  REQUIRE(unescape_c("\\r\\n\\101\\\\\\z") == "\r\nA\\z");
}

TEST_CASE("pipe: the head follows the flags, and size= returns what is too large", "[pipe]") {
  auto request = Instance::request("script", {"kim@example.com"}, 100);
  auto command = parse_pipe_arguments({"flags=DFORB.>", "user=x", "eol=\\r\\n", "size=100", "argv=/x"});
  REQUIRE(command);
  auto run = pipe_run(*command, {}, request);
  REQUIRE(run);
  REQUIRE(run->head.starts_with("From sender@example.org "));
  REQUIRE(
      run->head.ends_with("\r\nReturn-Path: <sender@example.org>\r\nX-Original-To: kim@example.com\r\n"
                          "Delivered-To: kim@example.com\r\n"));
  REQUIRE(run->tail == "\r\n");
  request.content_size = 101;
  auto large = pipe_run(*command, {}, request);
  REQUIRE_FALSE(large);
  REQUIRE(large.error().is_permanent());
  request = Instance::request("script", {"a@b", "c@d"}, 100);
  auto two = pipe_run(*command, {}, request);
  REQUIRE_FALSE(two);
  REQUIRE_FALSE(two.error().is_permanent());
}

TEST_CASE("pipe daemon: runs its command as user= and gives its verdict", "[pipe][daemon]") {
  Instance instance({"kim"});
  instance.write("master.cf", "script unix - n n - - pipe\nbecome unix - n n - 0 become\n");
  std::string seen = instance.path("home/kim/seen");
  instance.start("become");
  instance.start("pipe",
                 {"flags=DR", "user=nobody", "argv=/bin/sh", "-c",
                  "cat > /dev/null; echo \"$$(id -un) $$0 $$1\"; exit $$2", "${extension}", "$user", "0"},
                 "script");
  auto result = instance.deliver("script", "kim@example.com");
  CAPTURE(result.text);
  REQUIRE(result.status == Status::sent);
  if (getuid() == 0) REQUIRE(result.text == "delivered via script service (nobody  kim)");
  auto loop = instance.deliver("script", "kim@example.com", "Delivered-To: KIM@example.com\r\n\r\n");
  REQUIRE(loop.dsn == "5.4.6");
  REQUIRE(instance.log_has("to=<kim@example.com>, relay=script, "));
}
