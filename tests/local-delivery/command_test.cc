#include "local-delivery/command.h"

#include <sys/resource.h>
#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <chrono>
#include <set>

#include "local-delivery/become/command_runner.h"
#include "tests/local-delivery/agent_fixture.h"

using namespace umaya;
using namespace umaya::local_delivery;
using fixture::MessageFile;
using services::become::End;
using services::become::Ended;
using services::become::Run;
using services::delivery::Status;

namespace {

Ended run_shell(const std::string& script, int64_t limit_msec = 20'000,
                std::string_view content = "a: b\r\n\r\nx\r\n") {
  MessageFile message(content);
  Run run;
  run.argv = {"/bin/sh", "-c", script};
  run.environment = {"PATH=/usr/bin:/bin", "ONLY=this"};
  run.directory = "/";
  run.time_limit_usec = limit_msec * 1000;
  run.content_size = message.size();
  return run_command(run, message.fd());
}

CommandVerdict verdict_of(int code, std::string output = "") {
  return command_verdict({1, End::exited, code, std::move(output)}, "cmd");
}

}  // namespace

TEST_CASE("command: L16 every exit code has its meaning", "[local][command]") {
  const std::set<int> temporary{71, 75};
  for (int code = 0; code <= 255; ++code) {
    CAPTURE(code);
    CommandVerdict verdict = verdict_of(code);
    Status expected = code == 0 ? Status::sent : temporary.contains(code) ? Status::deferred : Status::bounced;
    REQUIRE(verdict.status == expected);
    REQUIRE(verdict.dsn.substr(0, 2) == (expected == Status::sent ? "2." : expected == Status::deferred ? "4." : "5."));
    bool known = code >= 64 && code <= 78;
    if (code != 0 && !known) {
      REQUIRE(verdict.text == "Command died with status " + std::to_string(code) + ": \"cmd\"");
    }
  }
  REQUIRE(verdict_of(67).dsn == "5.1.1");
  REQUIRE(verdict_of(67, "no\nsuch user\n").text == "user unknown. Command output: no such user");
}

TEST_CASE("command: L16 a status code in the output overrides a known exit code only", "[local][command]") {
  REQUIRE(verdict_of(67, "4.2.1 come back").status == Status::deferred);
  REQUIRE(verdict_of(67, "4.2.1 come back").dsn == "4.2.1");
  REQUIRE(verdict_of(67, "4.2.1 come back").text == "come back");
  REQUIRE(verdict_of(75, "5.7.1").status == Status::bounced);
  REQUIRE(verdict_of(75, "5.7.1").text == "temporary failure");
  REQUIRE(verdict_of(75, "2.0.0 fine").status == Status::deferred);
  REQUIRE(verdict_of(99, "4.2.1 come back").status == Status::bounced);
  REQUIRE(verdict_of(0, "5.7.1 no").status == Status::sent);
  for (auto text : {"5", "5.", "5.7", "5.7.", "5.7.1x", "6.7.1 a", "5.1234.1 a", ""}) REQUIRE(dsn_length(text) == 0);
}

TEST_CASE("command: L16 signals, time limits and commands that cannot run defer", "[local][command]") {
  for (End end : {End::killed, End::timed_out, End::not_started}) {
    REQUIRE(command_verdict({1, end, 9, "4.x"}, "cmd").status == Status::deferred);
  }
  REQUIRE(run_shell("kill -SEGV $$").end == End::killed);
  Run run;
  run.argv = {"/nonexistent/program"};
  MessageFile message("x");
  REQUIRE(run_command(run, message.fd()).end == End::not_started);
  run.argv = {"/bin/true"};
  run.directory = "/nonexistent";
  REQUIRE(run_command(run, message.fd()).end == End::not_started);
}

TEST_CASE("command: L16 the time limit kills the whole group, also one that ignores SIGTERM", "[local][command]") {
  test::TempDirectory directory;
  std::string marker = directory / "alive";
  auto start = std::chrono::steady_clock::now();
  Ended ended = run_shell("trap '' TERM; (sleep 2; echo x > " + marker + ") & sleep 30", 200);
  REQUIRE(ended.end == End::timed_out);
  REQUIRE(std::chrono::steady_clock::now() - start < std::chrono::seconds(10));
  ::usleep(2'500'000);
  REQUIRE_FALSE(std::filesystem::exists(marker));
}

TEST_CASE("command: L16 a command may stop reading early and its exit code counts", "[local][command]") {
  std::string big(8'000'000, 'x');
  Ended ended = run_shell("exec 0<&-; exit 0", 20'000, big);
  REQUIRE(ended.end == End::exited);
  REQUIRE(ended.value == 0);
  REQUIRE(run_shell("exit 75", 20'000, big).value == 75);
}

TEST_CASE("command: L16 much output is read and thrown away beyond its first part", "[local][command]") {
  Ended ended = run_shell("head -c 50000000 /dev/zero | tr '\\0' x; exit 65");
  REQUIRE(ended.end == End::exited);
  REQUIRE(ended.value == 65);
  REQUIRE(ended.output.size() == kOutputKept);
}

TEST_CASE("command: L16 one that leaves a daemon behind is not waited for", "[local][command]") {
  auto start = std::chrono::steady_clock::now();
  Ended ended = run_shell("cat > /dev/null; sleep 8 & exit 0");
  REQUIRE(ended.value == 0);
  REQUIRE(std::chrono::steady_clock::now() - start < std::chrono::seconds(7));
}

TEST_CASE("command: L17 environment, descriptors, signals, directory and session are clean", "[local][command]") {
  Ended ended =
      run_shell("env | sort | tr '\\n' ' '; ls /proc/self/fd | wc -l; pwd; grep -E 'SigIgn|SigBlk' /proc/self/status");
  CAPTURE(ended.output);
  REQUIRE(ended.output.find("ONLY=this") != std::string::npos);
  REQUIRE(ended.output.find("LD_") == std::string::npos);
  REQUIRE(ended.output.find("HOME=") == std::string::npos);
  REQUIRE(ended.output.find("\n/\n") != std::string::npos);
  REQUIRE(ended.output.find("SigBlk:\t0000000000000000") != std::string::npos);
  REQUIRE(ended.output.find("SigIgn:\t0000000000000000") != std::string::npos);
  REQUIRE(ended.output.find(" 4\n") != std::string::npos);  // 0, 1, 2 and the directory that is listed
  REQUIRE(run_shell("test $(ps -o sid= -p $$) = $$").value == 0);
}

TEST_CASE("command: the message arrives whole on standard input, with head, tail and quoting", "[local][command]") {
  MessageFile message("Subject: x\r\n\r\nFrom a\r\n.dot\r\n");
  Run run;
  run.argv = {"cat"};
  run.environment = {"PATH=/usr/bin:/bin"};
  run.time_limit_usec = 20'000'000;
  run.head = "From me\n";
  run.tail = "\n";
  run.quote_from = run.quote_dot = true;
  run.content_size = message.size();
  REQUIRE(run_command(run, message.fd()).output == "From me\nSubject: x\n\n>From a\n..dot\n\n");
}

TEST_CASE("command: no shell takes part unless the command needs one", "[local][command]") {
  CommandLine plain = command_line("/usr/bin/vacation  -a kim\tlee", "");
  REQUIRE(plain.argv == std::vector<std::string>{"/usr/bin/vacation", "-a", "kim", "lee"});
  for (auto magic :
       {"a | b", "a;b", "a $HOME", "a `b`", "a 'b'", "a \"b\"", "a > b", "a & b", "a*", "a\\b", "~/x", "(a)"}) {
    CAPTURE(magic);
    REQUIRE(command_line(magic, "").argv == std::vector<std::string>{"/bin/sh", "-c", magic});
  }
  REQUIRE(command_line("a b", "/bin/smrsh -c").argv == std::vector<std::string>{"/bin/smrsh", "-c", "a b"});
  CommandLine builtin = command_line("exit 75", "");
  Run run;
  run.argv = builtin.argv;
  run.shell_command = builtin.shell_command;
  run.time_limit_usec = 20'000'000;
  MessageFile message("x");
  REQUIRE(run_command(run, message.fd()).value == 75);
}
