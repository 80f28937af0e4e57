// The daemons local and become, run as they are, with the queue manager's part played here.
#include <grp.h>
#include <linux/capability.h>
#include <sys/prctl.h>

#include <catch2/catch.hpp>
#include <chrono>
#include <cstdio>

#include "libcommon/base/strings.h"
#include "tests/local-delivery/agent_fixture.h"

using namespace umaya;
using namespace umaya::local_delivery::fixture;
using delivery::Status;

TEST_CASE("local daemon: mail reaches the user's Maildir with the rights of the user", "[local][daemon]") {
  Instance instance({"kim", "lee"});
  instance.start("become");
  instance.start("local");
  auto result = instance.deliver("local", "kim@example.com");
  CAPTURE(result.text, instance.log());
  REQUIRE(result.status == Status::sent);
  REQUIRE(result.text == "delivered to maildir");
  auto names = list(instance.path("home/kim/Maildir/new"));
  REQUIRE(names.size() == 1);
  std::string file = instance.path("home/kim/Maildir/new/" + names[0]);
  REQUIRE(read_file(file) ==
          "Return-Path: <sender@example.org>\nX-Original-To: kim@example.com\nDelivered-To: kim@example.com\n"
          "Subject: hi\n\ntext\n");
  struct stat status {};
  stat(file.c_str(), &status);
  if (getuid() == 0) REQUIRE(status.st_uid == 20001);
  auto unknown = instance.deliver("local", "nobody-here@example.com");
  REQUIRE(unknown.status == Status::bounced);
  REQUIRE(unknown.dsn == "5.1.1");
  REQUIRE(unknown.text == "unknown user: \"nobody-here\"");
}

TEST_CASE("local daemon: L5 commands of a .forward file run as the user, root's do not run", "[local][daemon]") {
  Instance instance({"kim"});
  instance.write_home("kim", ".forward", "\\kim, \"|cat > $HOME/seen; id -u > $HOME/uid\"\n");
  instance.start("become");
  instance.start("local");
  auto result = instance.deliver("local", "kim@example.com");
  CAPTURE(result.text, instance.log());
  REQUIRE(result.status == Status::sent);
  REQUIRE(read_file(instance.path("home/kim/seen")).find("\nSubject: hi\n\ntext\n") != std::string::npos);
  if (getuid() == 0) REQUIRE(read_file(instance.path("home/kim/uid")) == "20001\n");
  REQUIRE(list(instance.path("home/kim/Maildir/new")).size() == 1);
}

TEST_CASE("local daemon: L8 a home that is gone defers and is not made", "[local][daemon]") {
  Instance instance({"kim"});
  std::filesystem::remove_all(instance.path("home/kim"));
  instance.start("become");
  instance.start("local");
  auto result = instance.deliver("local", "kim@example.com");
  REQUIRE(result.status == Status::deferred);
  REQUIRE(result.dsn[0] == '4');
  REQUIRE_FALSE(std::filesystem::exists(instance.path("home/kim")));
}

TEST_CASE("local daemon: L18 a worker that cannot give up root's rights touches no file and starts nothing",
          "[local][daemon]") {
  if (getuid() != 0) return;  // there are no rights to give up
  using Take = void (*)();
  Take take = GENERATE(Take([] { prctl(PR_CAPBSET_DROP, CAP_SETGID, 0, 0, 0); }),
                       Take([] { prctl(PR_CAPBSET_DROP, CAP_SETUID, 0, 0, 0); }));
  Instance instance({"kim", "lee"});
  instance.write_home("lee", ".forward", "\"|touch " + instance.path("home/lee/ran") + "\"\n");
  instance.start("become", {}, "", take);
  instance.start("local");
  for (const char* user : {"kim", "lee"}) {
    auto result = instance.deliver("local", std::string(user) + "@example.com");
    CAPTURE(user, result.text, instance.log());
    CHECK(result.status == Status::deferred);
    CHECK(result.dsn == "4.3.0");
  }
  CHECK(list(instance.path("home/kim")).empty());
  CHECK(list(instance.path("home/lee")) == std::vector<std::string>{".forward"});
}

TEST_CASE("local daemon: L18 groups of the mail system do not come along", "[local][daemon]") {
  if (getuid() != 0) return;
  Instance instance({"kim"});
  instance.write_home("kim", ".forward", "\"|id -G > $HOME/groups\"\n");
  gid_t groups[] = {0, 4, 27};
  REQUIRE(setgroups(3, groups) == 0);
  instance.start("become");
  instance.start("local");
  auto result = instance.deliver("local", "kim@example.com");
  CAPTURE(result.text, instance.log());
  REQUIRE(result.status == Status::sent);
  CHECK(read_file(instance.path("home/kim/groups")) == "20001\n");
}

// CPU time of the processes of this name, in seconds.
static double cpu_seconds(const std::string& name) {
  double ticks = 0;
  for (auto& entry : std::filesystem::directory_iterator("/proc")) {
    if (!ascii_digit(entry.path().filename().string()[0])) continue;
    std::string text = read_file(entry.path() / "stat");
    size_t end = text.rfind(')');
    if (end == text.npos || text.find("(" + name + ")") == text.npos) continue;
    long user = 0;
    long system = 0;
    std::sscanf(text.c_str() + end + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %ld %ld", &user, &system);
    ticks += static_cast<double>(user + system);
  }
  return ticks / static_cast<double>(sysconf(_SC_CLK_TCK));
}

// Figures: tests/test_local-delivery "[.bench]"
TEST_CASE("local daemon: deliveries in a second", "[.bench]") {
  int users = std::getenv("USERS") ? std::atoi(std::getenv("USERS")) : 1;
  int slots = std::getenv("SLOTS") ? std::atoi(std::getenv("SLOTS")) : 2 * users;
  int messages = std::getenv("MESSAGES") ? std::atoi(std::getenv("MESSAGES")) : 5000;
  std::vector<std::string> names;
  for (int i = 0; i < users; ++i) names.push_back("user" + std::to_string(i));
  Instance instance(names);
  instance.start("become");
  instance.start("local");
  std::string content = "From: a@b\r\nSubject: test\r\n\r\n";
  while (content.size() < 4000) content += "The quick brown fox jumps over the lazy dog and goes on with its life.\r\n";
  MessageFile message(content);
  std::vector<AgentConnection> agents;
  for (int i = 0; i < slots; ++i) agents.push_back(instance.connect("local"));
  auto send = [&](int slot, int user) {
    agents[slot].send(Instance::request("local", {names[user % users] + "@example.com"}, message.size()), message.fd());
  };
  for (int user = 0; user < users; ++user) {  // the first message makes the Maildir
    send(user % slots, user);
    agents[user % slots].receive();
  }
  double local_before = cpu_seconds("local");
  double become_before = cpu_seconds("become");
  auto start = std::chrono::steady_clock::now();
  int sent = 0;
  int done = 0;
  int good = 0;
  for (int i = 0; i < slots && sent < messages; ++i, ++sent) send(i, i);
  for (int slot = 0; done < sent; slot = (slot + 1) % slots) {
    auto reply = agents[slot].receive();
    good += !reply.results.empty() && reply.results[0].status == Status::sent;
    if (!reply.results.empty() && reply.results[0].status != Status::sent) {
      std::printf("%s %s\n", reply.results[0].dsn.c_str(), reply.results[0].text.c_str());
    }
    ++done;
    if (sent < messages) {
      send(slot, sent);
      ++sent;
    }
  }
  double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  std::printf("%d users, %d slots: %d of %d delivered in %.2f s: %.0f/s\n", users, slots, good, done, seconds,
              done / seconds);
  std::printf("CPU for 1000 deliveries: local %.2f s, become and its workers %.2f s\n",
              (cpu_seconds("local") - local_before) * 1000 / done,
              (cpu_seconds("become") - become_before) * 1000 / done);
}
