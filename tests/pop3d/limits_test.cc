#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>

#include "pop3d/login_gate.h"
#include "pop3d/sessions/shared_limits.h"

using namespace umaya;
using namespace umaya::pop3d;
using namespace std::chrono_literals;

namespace {

struct TablePath {
  TablePath() : path(std::filesystem::temp_directory_path() / ("umaya_limits_" + std::to_string(getpid()))) {
    std::filesystem::remove(path);
  }
  ~TablePath() { std::filesystem::remove(path); }
  std::string path;
};

}  // namespace

TEST_CASE("pop3 limits: sessions of a user from an address are counted", "[pop3d][limits]") {
  TablePath table;
  auto limits = SharedLimits::open(table.path);
  REQUIRE(limits);
  SharedLimits::Claim claim{"alice", "192.0.2.1", 2, {}};
  CHECK((*limits)->admit(claim, 1000) == Admission::admitted);
  CHECK((*limits)->admit(claim, 1000) == Admission::admitted);
  CHECK((*limits)->admit(claim, 1000) == Admission::too_many);
  CHECK((*limits)->admit({"alice", "192.0.2.2", 2, {}}, 1000) == Admission::admitted);
  CHECK((*limits)->admit({"bob", "192.0.2.1", 2, {}}, 1000) == Admission::admitted);
  (*limits)->release("alice", "192.0.2.1");
  CHECK((*limits)->admit(claim, 1000) == Admission::admitted);
  CHECK((*limits)->admit(claim, 1000) == Admission::too_many);
}

TEST_CASE("pop3 limits: several processes count together, and one that died counts no more", "[pop3d][limits]") {
  TablePath table;
  auto limits = SharedLimits::open(table.path);
  REQUIRE(limits);
  int pipes[2];
  REQUIRE(pipe(pipes) == 0);
  pid_t child = fork();
  if (child == 0) {
    auto own = SharedLimits::open(table.path);
    bool fine = own && (*own)->admit({"alice", "a", 2, {}}, 1) == Admission::admitted &&
                (*own)->admit({"alice", "a", 2, {}}, 1) == Admission::admitted;
    (void)!write(pipes[1], fine ? "y" : "n", 1);
    pause();
  }
  char answer = 0;
  REQUIRE(read(pipes[0], &answer, 1) == 1);
  CHECK(answer == 'y');
  CHECK((*limits)->admit({"alice", "a", 2, {}}, 1) == Admission::too_many);
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  CHECK((*limits)->admit({"alice", "a", 2, {}}, 1) == Admission::admitted);
  close(pipes[0]);
  close(pipes[1]);
}

TEST_CASE("pop3 limits: the delay between log-ins outlives a restart", "[pop3d][limits]") {
  TablePath table;
  SharedLimits::Claim claim{"alice", "a", 0, 60s};
  {
    auto limits = SharedLimits::open(table.path);
    REQUIRE(limits);
    CHECK((*limits)->admit(claim, 1000) == Admission::admitted);
    CHECK((*limits)->admit(claim, 1059) == Admission::too_soon);
  }
  auto limits = SharedLimits::open(table.path);
  REQUIRE(limits);
  CHECK((*limits)->admit(claim, 1059) == Admission::too_soon);
  CHECK((*limits)->admit({"bob", "a", 0, 60s}, 1059) == Admission::admitted);
  CHECK((*limits)->admit(claim, 1060) == Admission::admitted);
  CHECK((*limits)->admit(claim, 500) == Admission::admitted);  // the clock was set back
}

TEST_CASE("pop3 limits: more users than the table holds are let in", "[pop3d][limits]") {
  TablePath table;
  auto limits = SharedLimits::open(table.path);
  REQUIRE(limits);
  for (int i = 0; i < 40000; ++i) {
    std::string user = "u" + std::to_string(i);
    REQUIRE((*limits)->admit({user, "a", 1, 60s}, 1000 + i) == Admission::admitted);
  }
}

TEST_CASE("pop3 gate: A15 one address cannot hold all places, and the oldest gives way", "[pop3d][gate]") {
  int ends[2];
  REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) == 0);
  LoginGate gate(3, 2);
  auto first = gate.enter("192.0.2.1", ends[0]);
  auto second = gate.enter("192.0.2.1", -1);
  CHECK(first);
  CHECK(second);
  CHECK_FALSE(gate.enter("192.0.2.1", -1));
  auto third = gate.enter("2001:db8::1", -1);
  CHECK(third);
  char byte;
  CHECK(read(ends[1], &byte, 1) < 0);
  auto fourth = gate.enter("2001:db8::2", -1);
  CHECK(fourth);
  CHECK(read(ends[1], &byte, 1) == 0);         // the first was cut off
  CHECK_FALSE(gate.enter("2001:db8::3", -1));  // the same /64
  CHECK(gate.size() == 3);
  first.leave();
  CHECK(gate.size() == 3);
  second.leave();
  CHECK(gate.enter("192.0.2.1", -1));
  CHECK(gate.size() == 2);
  close(ends[0]);
  close(ends[1]);
}
