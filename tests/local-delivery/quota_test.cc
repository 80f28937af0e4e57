// L21 and S30: full mailboxes, as the agents and their workers deal with them.
#include <catch2/catch.hpp>
#include <thread>

#include "tests/local-delivery/agent_fixture.h"
#include "tests/local-delivery/fake_outside.h"

using namespace umaya;
using namespace umaya::local_delivery;
using namespace umaya::local_delivery::fixture;
using delivery::Status;

namespace {

constexpr std::string_view kText = "Subject: hi\r\n\r\ntext\r\n";

/// virtual with three mailboxes in box/, and what is said of their limits.
struct VirtualInstance : Instance {
  explicit VirtualInstance(const std::string& settings, const std::string& limits = "")
      : Instance({},
                 "virtual_mailbox_base = BASE\nvirtual_mailbox_maps = inline:{ {kim@v.test=kim/}, {lee@v.test=lee/},"
                 " {flat@v.test=flat} }\nvirtual_uid_maps = static:20001\nvirtual_gid_maps = static:20001\n" +
                     settings) {
    std::filesystem::create_directory(path("box"));
    if (::getuid() == 0 && ::chown(path("box").c_str(), 20001, 20001) != 0) std::abort();
    write("limits", limits);
    std::string config = read_file(path("main.cf"));
    auto put = [&](const std::string& word, const std::string& value) {
      for (size_t at; (at = config.find(word)) != config.npos;) config.replace(at, word.size(), value);
    };
    put("BASE", path("box"));
    put("LIMITS", "texthash:" + path("limits"));
    write("main.cf", config);
    start("become");
    start("virtual");
  }
  /// Asks without a message, as smtpd does.
  delivery::RecipientResult ask(const std::string& recipient, uint64_t size = 0, uint32_t flags = 0,
                                const std::string& service = "virtual") const {
    return ask_agent(*this, service, recipient, size, flags);
  }
  static delivery::RecipientResult ask_agent(const Instance& instance, const std::string& service,
                                             const std::string& recipient, uint64_t size, uint32_t flags = 0) {
    AgentConnection agent = instance.connect(service);
    delivery::Request request = Instance::request(service, {recipient}, size);
    request.flags = delivery::kVerifyOnly | delivery::kNotLogged | flags;
    std::string bytes = ipc::encode(request);
    if (::send(agent.fd(), bytes.data(), bytes.size(), MSG_NOSIGNAL) < 0) std::perror("send");
    delivery::Reply reply = agent.receive();
    return reply.results.empty() ? delivery::RecipientResult{} : reply.results[0];
  }
};

std::string in_full(const delivery::RecipientResult& result) {
  return result.dsn + " " + result.text;
}

}  // namespace

TEST_CASE("virtual daemon: L21 a full Maildir is 4.2.2, and the mail of others goes on", "[virtual][daemon]") {
  VirtualInstance instance("virtual_mailbox_limit_maps = LIMITS\n", "kim@v.test 150\n@v.test 1000C\n");
  REQUIRE(instance.deliver("virtual", "kim@v.test", kText).status == Status::sent);
  auto names = list(instance.path("box/kim/new"));
  REQUIRE(names.size() == 1);
  std::string size = std::to_string(std::filesystem::file_size(instance.path("box/kim/new/" + names[0])));
  CHECK(read_file(instance.path("box/kim/maildirsize")) == "150S\n0 0\n" + size + " 1\n");
  auto second = instance.deliver("virtual", "kim@v.test", kText, "other@example.org");
  CHECK(second.status == Status::deferred);
  CHECK(in_full(second) == "4.2.2 mailbox has no room for the message: " + size + " of 150 bytes are used");
  CHECK(instance.log_has("status=deferred (mailbox has no room for the message"));
  CHECK(list(instance.path("box/kim/new")).size() == 1);
  CHECK(list(instance.path("box/kim/tmp")).empty());
  CHECK(instance.deliver("virtual", "lee@v.test", kText).status == Status::sent);
  CHECK(read_file(instance.path("box/lee/maildirsize")).starts_with("1000C\n"));
}

TEST_CASE("virtual daemon: L21 over quota bounces where the administrator wants it", "[virtual][daemon]") {
  VirtualInstance instance(
      "virtual_mailbox_quota = 50\nvirtual_overquota_bounce = yes\n"
      "virtual_maildir_limit_message = Sorry, come back later\n");
  for (const char* recipient : {"kim@v.test", "flat@v.test"}) {
    auto result = instance.deliver("virtual", recipient, kText);
    CAPTURE(recipient, result.text);
    CHECK(result.status == Status::bounced);
    CHECK(in_full(result) ==
          "5.2.2 Sorry, come back later (mailbox has no room for the message: 0 of 50 bytes are used)");
  }
}

TEST_CASE("virtual daemon: L21 a limit that nobody can read defers, and says table, key and cure",
          "[virtual][daemon]") {
  VirtualInstance instance("virtual_mailbox_limit_maps = LIMITS\n", "kim@v.test lots\n@v.test 0\n");
  auto result = instance.deliver("virtual", "kim@v.test", kText);
  CHECK(result.status == Status::deferred);
  CHECK(in_full(result) ==
        "4.3.5 virtual_mailbox_limit_maps: kim@v.test: bad limit \"lots\": write 50000000, 50M or 1G for octets, "
        "50000000S,1000C with messages, or storage=1G:messages=1000");
  CHECK(instance.deliver("virtual", "lee@v.test", kText).status == Status::sent);
  CHECK(list(instance.path("box/lee")).size() == 3);  // no limit, no maildirsize
}

TEST_CASE("virtual daemon: virtual_mailbox_limit_override says which of two limits holds", "[virtual][daemon]") {
  bool override = GENERATE(true, false);
  CAPTURE(override);
  VirtualInstance instance(
      "virtual_mailbox_limit_maps = LIMITS\nvirtual_mailbox_limit = 60\nmessage_size_limit = 50\n" +
          std::string(override ? "" : "virtual_mailbox_limit_override = no\n"),
      "flat@v.test 100000\nkim@v.test 100000\n");
  auto flat = instance.deliver("virtual", "flat@v.test", kText);
  CHECK(flat.status == (override ? Status::sent : Status::deferred));
  auto room = instance.ask("kim@v.test");
  REQUIRE(room.use);
  CHECK(room.use->most_bytes == (override ? 100000 : 60));
}

TEST_CASE("virtual daemon: S30 a question says who is unknown and who is full, and changes nothing",
          "[virtual][daemon]") {
  VirtualInstance instance("virtual_mailbox_limit_maps = LIMITS\n", "kim@v.test 1000\nflat@v.test 1000\n");
  CHECK(in_full(instance.ask("nobody@v.test")) == "5.1.1 unknown user: \"nobody@v.test\"");
  for (const char* recipient : {"kim@v.test", "flat@v.test"}) {
    CAPTURE(recipient);
    CHECK(instance.ask(recipient).status == Status::sent);
    CHECK(instance.ask(recipient, 1000).status == Status::sent);
    auto full = instance.ask(recipient, 1001);
    CHECK(full.status == Status::deferred);
    CHECK(in_full(full) == "4.2.2 mailbox has no room for the message: 0 of 1000 bytes are used");
    REQUIRE(full.use);
    CHECK(full.use->most_bytes == 1000);
  }
  CHECK(list(instance.path("box")).empty());
  CHECK(instance.ask("lee@v.test", uint64_t{1} << 40).status == Status::sent);
  REQUIRE(instance.deliver("virtual", "kim@v.test", kText).status == Status::sent);
  auto room = instance.ask("kim@v.test");
  REQUIRE(room.use);
  CHECK(room.use->messages == 1);
  CHECK(room.use->bytes > kText.size());
  instance.write("box/kim/maildirsize", "1000S\n1000 1\n");
  CHECK(instance.ask("kim@v.test").status == Status::deferred);
  CHECK(instance.ask("kim@v.test", 0, delivery::kCountMailbox).status == Status::sent);
  CHECK(list(instance.path("box/kim/new")).size() == 1);
  CHECK(instance.log().find("status=") == instance.log().rfind("status="));  // of the delivery alone
}

TEST_CASE("local daemon: L21 quotas by user name, and a .forward file needs no room", "[local][daemon]") {
  Instance instance({"kim", "lee", "pat"},
                    "mailbox_quota_maps = inline:{ kim=60, lee=1K }\n"
                    "mailbox_quota = 20C\nrecipient_delimiter = +\n");
  instance.write_home("pat", ".forward", "kim@elsewhere.test\n");
  instance.start("become");
  instance.start("local");
  auto kim = instance.deliver("local", "kim@example.com", kText);
  CHECK(in_full(kim) == "4.2.2 mailbox has no room for the message: 0 of 60 bytes are used");
  REQUIRE(instance.deliver("local", "lee@example.com", kText).status == Status::sent);
  CHECK(read_file(instance.path("home/lee/Maildir/maildirsize")).starts_with("1024S\n0 0\n"));
  auto ask = [&](const std::string& user, uint64_t size) {
    return VirtualInstance::ask_agent(instance, "local", user + "@example.com", size);
  };
  CHECK(ask("lee", 100).status == Status::sent);
  CHECK(ask("lee", 1024).dsn == "4.2.2");
  CHECK(ask("kim", 61).dsn == "4.2.2");
  CHECK(ask("kim+list", 61).dsn == "4.2.2");
  CHECK(ask("nobody-here", 1).dsn == "5.1.1");
  auto pat = ask("pat", uint64_t{1} << 40);
  CHECK(pat.status == Status::sent);
  CHECK(pat.text == "delivers as " + instance.path("home/pat/.forward") + " says");
}

TEST_CASE("local delivery: L21 a limit of a table that cannot be asked or read defers the mail", "[local]") {
  Desk desk;
  desk.settings.params.quota_maps = "x";
  desk.settings.params.quota = "many";
  CHECK(desk.result("kim@example.com") == "4.3.5");
  CHECK(desk.run("kim@example.com").result.text.starts_with("mailbox_quota: bad limit \"many\""));
  desk.outside.maps[UserMap::quota]["kim"] = "1M,";
  CHECK(desk.run("kim@example.com").result.text.starts_with("mailbox_quota_maps: kim: bad limit \"1M,\""));
  desk.outside.maps[UserMap::quota]["kim"] = "1000S,2C";
  CHECK(desk.run("kim@example.com").result.dsn == "2.0.0");
  REQUIRE_FALSE(desk.outside.deliveries.empty());
  CHECK(desk.outside.deliveries.back().mailbox.quota_bytes == 1000);
  CHECK(desk.outside.deliveries.back().mailbox.quota_messages == 2);
  CHECK(desk.outside.deliveries.back().mailbox.size_limit == 0);  // of an mbox: its quota
}

TEST_CASE("local delivery: S30 a question follows aliases of one user, and answers for many without looking",
          "[local]") {
  Desk desk;
  desk.settings.params.quota = "1M";
  desk.message.purpose = services::become::Purpose::ask;
  desk.outside.aliases["all"] = "kim, lee";
  CHECK(desk.run("all@example.com").result.text == "forwards to kim@example.com, forwards to lee@example.com");
  desk.outside.aliases["outside"] = "kim@elsewhere.test";
  desk.outside.aliases["loop"] = "loop2";
  desk.outside.aliases["loop2"] = "loop";
  CHECK(desk.run("outside@example.com").result.dsn == "2.0.0");
  CHECK(desk.run("loop@example.com").result.dsn == "5.4.6");
  CHECK(desk.outside.deliveries.empty());
  CHECK(desk.run("kim@example.com").result.text == "delivers to mailbox");
  desk.outside.aliases["info"] = "office";
  desk.outside.aliases["office"] = "kim";
  CHECK(desk.run("info@example.com").result.text == "forwards to kim@example.com");
  REQUIRE(desk.outside.deliveries.size() == 2);
  CHECK(desk.outside.deliveries[0].purpose == services::become::Purpose::ask);
  CHECK(desk.outside.deliveries[1].purpose == services::become::Purpose::ask);
  CHECK(desk.outside.deliveries[1].mailbox.path == "kim");
}
