#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "libcommon/event/stream.h"
#include "libcommon/log/log.h"
#include "named-lite/control/control_server.h"
#include "named-lite/control/ndc.h"
#include "tests/support/temp_directory.h"

using namespace umaya;
using namespace umaya::named;
using namespace std::chrono_literals;

namespace {

Command parsed(const std::string& line) {
  auto command = parse_command(line);
  if (!command) FAIL(line << ": " << command.error().what);
  return *command;
}

std::string refused(const std::string& line) {
  auto command = parse_command(line);
  return command ? std::string() : command.error().what;
}

/// Remembers what it was told.
class Recorder : public ControlTarget {
 public:
  event::Task<ControlReply> status(Command) override {
    ++calls;
    ControlReply reply;
    reply.text = "fine\nindeed";
    co_return std::move(reply);
  }
  event::Task<ControlReply> reload(Command command) override {
    ++calls;
    co_await event::sleep(1ms);
    ControlReply reply = control_error("not " + command.zone->name.text());
    co_return std::move(reply);
  }
  int calls = 0;
};

/// What the other side sends until it closes.
event::Task<std::string> talk(std::string path, std::string bytes) {
  auto fd = event::connect_unix(path, SOCK_STREAM);
  if (!fd) co_return fd.error().what;
  event::Stream stream(std::move(*fd));
  stream.set_timeout(5s);
  stream.write(bytes);
  auto sent = co_await stream.flush();
  (void)sent;
  std::string all;
  while (true) {
    event::Read more = co_await stream.read_some();
    if (!more) break;
    all += more.data;
  }
  co_return std::move(all);
}

struct Served {
  explicit Served(bool read_only = false) {
    log::capture([](log::Level, std::string_view) {});
    ControlChannel channel;
    channel.path = directory / "ndc";
    channel.read_only = read_only;
    path = channel.path;
    server = std::make_unique<ControlServer>(open_control_sockets({channel}), target);
  }
  ~Served() { log::capture(nullptr); }
  std::string ask(const std::string& bytes) { return event::run_until_done(talk(path, bytes)); }

  test::TempDirectory directory;
  std::string path;
  Recorder target;
  std::unique_ptr<ControlServer> server;
};

}  // namespace

TEST_CASE("ndc command: the verbs of rndc are understood with their arguments", "[named][control]") {
  Command command = parsed("reload");
  CHECK(command.verb == Verb::reload);
  CHECK_FALSE(command.zone);
  command = parsed("RELOAD Ex.Test in Inside\r\n");
  REQUIRE(command.zone);
  CHECK(command.zone->name.text() == "ex.test.");
  CHECK(command.zone->view == "Inside");
  command = parsed("sync -clean ex.test");
  CHECK(command.clean);
  CHECK(command.zone->name.text() == "ex.test.");
  CHECK(parsed("retransfer -force ex.test").force);
  command = parsed("flushtree Ex.Test outside");
  CHECK(command.name->text() == "ex.test.");
  CHECK(command.view == "outside");
  CHECK(parsed("querylog").on == std::nullopt);
  CHECK(parsed("querylog on").on == true);
  CHECK(parsed("qrylog off").on == false);
  CHECK(parsed("trace 3").level == 3U);
  CHECK(parsed("unfreeze").verb == Verb::thaw);
  CHECK(parsed("dumpdb -zones \"my view\"").view == "my view");
  CHECK(parsed("dumpdb -zones").content == DumpContent::zones);
  CHECK(parsed("stop -p").print_pid);
}

TEST_CASE("ndc command: what is wrong is said with the usage", "[named][control]") {
  CHECK(refused("") == "there is no command");
  CHECK(refused("relaod") == "\"relaod\" is no command: do you mean reload?");
  CHECK(refused("addzone ex.test").find("named-lite does not have") != std::string::npos);
  CHECK(refused("retransfer").find("usage: retransfer zone [class [view]]") != std::string::npos);
  CHECK(refused("reload ex.test CH").find("the only class of zones is IN") != std::string::npos);
  CHECK(refused("reload ex.test IN view more").find("\"more\" is too much") != std::string::npos);
  CHECK(refused("status now").find("is too much") != std::string::npos);
  CHECK(refused("trace 100").find("0 to 99") != std::string::npos);
  CHECK(refused("reload a..b").find("a..b") != std::string::npos);
  CHECK(refused("reload \"ex.test").find("not closed") != std::string::npos);
  CHECK(refused("reload ex\\").find("backslash") != std::string::npos);
  CHECK(refused(std::string(Command::kMostLine + 1, 'a')).find("longer") != std::string::npos);
  std::string many = "status";
  for (int i = 0; i < 16; ++i) many += " a";
  CHECK(refused(many).find("16 words") != std::string::npos);
}

TEST_CASE("ndc command: a line that is made of words gives the same words", "[named][control]") {
  std::string_view words[] = {"reload", "ex.test", "IN", "a \"b\" \\c"};
  std::string line = command_line(words);
  CHECK(line == "reload ex.test IN \"a \\\"b\\\" \\\\c\"");
  CHECK(parsed(line).zone->view == "a \"b\" \\c");
  CHECK(command_help().find("  reload [zone [class [view]]]") == 0);
  for (const VerbInfo& each : verbs()) {
    CHECK(&verb_info(each.verb) == &each);
    CHECK(command_help().find(std::string(each.what)) != std::string::npos);
  }
}

TEST_CASE("control socket: a command is done and its reply given, whole or octet by octet", "[named][control]") {
  Served served;
  CHECK(served.ask("status\n") == "ok\nfine\nindeed\n");
  CHECK(served.ask("reload ex.test\n") == "failed\nnot ex.test.\n");
  CHECK(served.target.calls == 2);
  CHECK(served.ask("freeze\n") == "failed\nfreeze: named-lite cannot do that yet\n");
  CHECK(served.ask("nonsense\n").starts_with("failed\n\"nonsense\" is no command"));
  CHECK(served.ask(std::string(5000, 'x')).starts_with("failed\nthe command is longer"));
  struct stat status;
  REQUIRE(::stat(served.path.c_str(), &status) == 0);
  CHECK((status.st_mode & 07777) == 0600);
}

TEST_CASE("control socket: over one that is read-only nothing is changed", "[named][control]") {
  Served served(true);
  CHECK(served.ask("reload ex.test\n") == "failed\nreload is not for this socket: it is read-only\n");
  CHECK(served.target.calls == 0);
  CHECK(served.ask("status\n").starts_with("ok\n"));
}

TEST_CASE("control socket: more clients than it serves at once wait, and all are served", "[named][control]") {
  Served served;
  std::vector<Fd> idle;
  for (int i = 0; i < 40; ++i) {
    auto fd = event::connect_unix(served.path, SOCK_STREAM);
    REQUIRE(fd);
    idle.push_back(std::move(*fd));
  }
  auto wait_a_little = []() -> event::Task<void> { co_await event::sleep(20ms); };
  event::run_until_done(wait_a_little());
  idle.clear();
  CHECK(served.ask("status\n") == "ok\nfine\nindeed\n");
}

TEST_CASE("control socket: its place is what controls says, or beside the pid-file", "[named][control]") {
  auto channels = [](const std::string& text) {
    Problems problems;
    NamedConf conf = parse_named_conf(text, "c", {}, problems);
    CHECK_FALSE(problems.has_errors());
    std::string paths;
    for (const ControlChannel& each : control_channels(conf.control, conf.pid_file)) paths += each.path + " ";
    return paths;
  };
  CHECK(channels("options { pid-file \"/run/named.pid\"; };") == "/run/named.ndc ");
  CHECK(channels("options { pid-file \"/run/named\"; };") == "/run/named.ndc ");
  CHECK(channels("options { pid-file none; };").empty());
  CHECK(channels("options { pid-file \"/run/named.pid\"; }; controls { };").empty());
  CHECK(channels("options { pid-file \"/run/n.pid\"; }; controls { inet 127.0.0.1 allow { any; }; };") ==
        "/run/n.ndc ");
  CHECK(channels("options { pid-file \"/run/n.pid\"; }; controls { unix \"/run/a\" perm 0660 owner 0 group 0; "
                 "unix \"/run/b\" read-only yes; };") == "/run/a /run/b ");
}
