// S30 and L21 at RCPT: who has no room is refused while the sender still has the mail.
#include <sys/socket.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <fstream>

#include "smtpd/agent_room.h"
#include "tests/smtpd/session_bench.h"
#include "tests/support/temp_directory.h"

using namespace umaya;
using namespace umaya::smtpd;
using namespace std::chrono_literals;

namespace {

std::string rcpt(Bench& b, const std::string& parameters = "", const std::string& recipient = "alice@example.test") {
  b.open();
  b.say("MAIL FROM:<s@sender.test>" + parameters + "\r\n");
  std::string r = b.say("RCPT TO:<" + recipient + ">\r\n");
  return r.substr(0, r.find('\r'));
}

constexpr std::string_view kSaid =
    "<alice@example.test>: Recipient address rejected: Quota exceeded, the mailbox has no room";

/// Agents that answer as they are told, in a directory with a master.cf.
class FakeAgents {
 public:
  FakeAgents() {
    std::filesystem::create_directory(directory_ / "private");
    std::ofstream(directory_ / "main.cf") << "compatibility_level = 3.7\nqueue_directory = " << path() << "\n";
    std::ofstream(directory_ / "master.cf") << "local unix - n n - - local\nboxes unix - n n - - virtual\n"
                                               "smtp unix - - n - - smtp\n";
    for (const char* name : {"local", "boxes", "smtp"}) listen(name);
  }
  std::string path() const { return directory_.path() + "/"; }
  config::Config config() const { return *config::Config::load(directory_.path()); }
  Room ask(AgentRoom& room, const std::string& transport, uint64_t size = 0) {
    RoomQuestion question{transport, "example.test", "s@sender.test", "alice@example.test", size};
    return event::run_until_done(room.ask(question)).room;
  }

  bool silent = false, close_after = false;
  services::delivery::RecipientResult result;
  std::vector<services::delivery::Request> requests;
  size_t connections = 0;

 private:
  void listen(const std::string& name) {
    auto fd = event::listen_unix(directory_ / ("private/" + name), SOCK_SEQPACKET, 0600);
    REQUIRE(fd);
    listeners_.push_back(std::make_unique<event::Listener>(std::move(*fd), [this](Fd peer, const event::PeerAddress&) {
      ++connections;
      scope_.spawn(serve(this, std::move(peer)));
    }));
  }
  static event::Task<void> serve(FakeAgents* self, Fd fd) {
    ipc::Channel channel(std::move(fd));
    while (true) {
      Result<services::delivery::Request> request = co_await channel.receive<services::delivery::Request>();
      if (!request) co_return;
      self->requests.push_back(*request);
      if (self->silent) continue;
      services::delivery::Reply reply;
      reply.results.push_back(self->result);
      reply.results[0].id = request->targets[0].id;
      (void)co_await channel.send(reply);
      if (self->close_after) co_return;
    }
  }

  test::TempDirectory directory_;
  std::vector<std::unique_ptr<event::Listener>> listeners_;
  event::TaskScope scope_;
};

}  // namespace

TEST_CASE("room: S30 a full mailbox is refused at RCPT, for now or for good, the figures for the log",
          "[smtpd][room]") {
  Bench b;
  b.room.answers["alice@example.test"] = {Room::full_for_now, "mailbox is full: 9 of 9 bytes are used"};
  CHECK(rcpt(b).starts_with("452 4.2.2 " + std::string(kSaid)));
  CHECK(b.logged("for the message (mailbox is full: 9 of 9 bytes are used); from=<s@sender.test>"));
  CHECK(b.say("RCPT TO:<bob@example.test>\r\n").starts_with("250 "));
  b.room.answers["alice@example.test"].room = Room::full;
  CHECK(rcpt(b).starts_with("552 5.2.2 " + std::string(kSaid)));
  CHECK(rcpt(b).find("9 of 9") == std::string::npos);
  for (Room room : {Room::enough, Room::unknown}) {
    b.room.answers["alice@example.test"].room = room;
    CHECK(rcpt(b) == "250 2.1.5 Ok");
  }
}

TEST_CASE("room: L21 the size that MAIL announces is asked about", "[smtpd][room]") {
  Bench b;
  rcpt(b, " SIZE=4321");
  rcpt(b);
  REQUIRE(b.room.asked.size() == 2);
  CHECK(b.room.asked[0].size == 4321);
  CHECK(b.room.asked[0].transport == "local");
  CHECK(b.room.asked[0].sender == "s@sender.test");
  CHECK(b.room.asked[1].size == 0);
}

TEST_CASE("room: reject_over_quota stands in lists, is asked once, and smtpd_reject_over_quota turns the rest off",
          "[smtpd][room]") {
  Bench once({"smtpd_recipient_restrictions = reject_over_quota, permit"});
  rcpt(once);
  CHECK(once.room.asked.size() == 1);
  Bench off({"smtpd_reject_over_quota = no"});
  off.room.answers["alice@example.test"] = {Room::full, ""};
  CHECK(rcpt(off) == "250 2.1.5 Ok");
  CHECK(off.room.asked.empty());
  Bench warns({"smtpd_recipient_restrictions = warn_if_reject reject_over_quota"});
  warns.room.answers["alice@example.test"] = {Room::full, ""};
  CHECK(rcpt(warns) == "250 2.1.5 Ok");
  CHECK(warns.logged("reject_warning: RCPT"));
  Bench listed({"smtpd_reject_over_quota = no", "smtpd_relay_restrictions = permit_mynetworks, reject_over_quota"});
  listed.room.answers["alice@example.test"] = {Room::full, ""};
  CHECK(rcpt(listed).starts_with("552 5.2.2 "));
  Bench others;
  rcpt(others, "", "x@relay.test");
  CHECK(others.room.asked.empty());  // nobody here has that mailbox
}

TEST_CASE("room: an agent is asked without a message, and only agents that have mailboxes", "[smtpd][room]") {
  FakeAgents agents;
  AgentRoom room(agents.config(), agents.path(), 5s);
  using services::delivery::Status;
  agents.result.status = Status::sent;
  agents.result.dsn = "2.0.0";
  CHECK(agents.ask(room, "local", 77) == Room::enough);
  REQUIRE(agents.requests.size() == 1);
  CHECK(agents.requests[0].flags == (services::delivery::kVerifyOnly | services::delivery::kNotLogged));
  CHECK(agents.requests[0].content_size == 77);
  CHECK(agents.requests[0].targets[0].recipient.address == "alice@example.test");
  CHECK(agents.ask(room, "smtp") == Room::unknown);
  CHECK(agents.ask(room, "lmtp") == Room::unknown);
  CHECK(agents.requests.size() == 1);
  struct Row {
    Status status;
    const char* dsn;
    Room room;
  };
  for (const Row& row : {Row{Status::deferred, "4.2.2", Room::full_for_now}, Row{Status::bounced, "5.2.2", Room::full},
                         Row{Status::bounced, "5.1.1", Room::unknown}, Row{Status::deferred, "4.3.0", Room::unknown}}) {
    CAPTURE(row.dsn);
    agents.result.status = row.status;
    agents.result.dsn = row.dsn;
    CHECK(agents.ask(room, "boxes") == row.room);
  }
  CHECK(agents.connections == 2);
}

TEST_CASE("room: an agent that does not answer in time, or went away, lets the mail pass", "[smtpd][room]") {
  FakeAgents agents;
  AgentRoom room(agents.config(), agents.path(), 100ms);
  agents.silent = true;
  CHECK(agents.ask(room, "local") == Room::unknown);
  agents.silent = false;
  agents.close_after = true;
  agents.result.status = services::delivery::Status::deferred;
  agents.result.dsn = "4.2.2";
  for (int i = 0; i < 3; ++i) CHECK(agents.ask(room, "local") == Room::full_for_now);
  AgentRoom nobody(agents.config(), agents.path() + "gone/", 100ms);
  CHECK(agents.ask(nobody, "local") == Room::unknown);
}

TEST_CASE("room: L21 smtpd asks by itself when main.cf gives a mailbox a quota", "[smtpd][room]") {
  test::TempDirectory directory;
  auto wanted = [&](const std::string& line) {
    std::ofstream(directory / "main.cf") << "compatibility_level = 3.7\n" << line << "\n";
    return AgentRoom::is_wanted(*config::Config::load(directory.path()));
  };
  CHECK_FALSE(wanted(""));
  CHECK_FALSE(wanted("virtual_mailbox_limit = 100"));
  CHECK(wanted("mailbox_quota = 1G"));
  CHECK(wanted("virtual_mailbox_limit_maps = static:1G"));
}
