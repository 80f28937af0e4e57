#include <sys/socket.h>

#include <catch2/catch.hpp>

#include "libcommon/event/listener.h"
#include "libcommon/event/loop.h"
#include "libcommon/event/stream.h"
#include "libcommon/table/maps.h"
#include "libcommon/table/network_tables.h"
#include "libcommon/table/settle.h"
#include "tests/table/scratch.h"

using namespace umaya;
using namespace umaya::table;
using umaya::testing::Scratch;

namespace {

std::string shown(const Lookup& lookup) {
  if (lookup.is_error()) return "error: " + lookup.error().what;
  return lookup.found() ? lookup.value() : "(none)";
}

/// Answers each netstring or line that comes in by what reply makes of it.
event::Task<void> serve(Fd fd, std::function<std::string(std::string_view)> reply) {
  event::Stream stream(std::move(fd));
  for (;;) {
    event::Read in = co_await stream.read_some();
    if (!in) co_return;
    stream.write(reply(in.data));
    auto sent = co_await stream.flush();
    if (!sent) co_return;
  }
}

/// A server on a Unix socket for the time of a test.
class Server {
 public:
  Server(const std::string& path, std::function<std::string(std::string_view)> reply)
      : reply_(std::move(reply)),
        listener_(*event::listen_unix(path, SOCK_STREAM, 0600),
                  [this](Fd fd, const event::PeerAddress&) { scope_.spawn(serve(std::move(fd), reply_)); }) {}

 private:
  std::function<std::string(std::string_view)> reply_;
  event::TaskScope scope_;
  event::Listener listener_;
};

std::string netstring(std::string_view text) {
  return std::to_string(text.size()) + ":" + std::string(text) + ",";
}

}  // namespace

TEST_CASE("table tcp: requests and replies have their own quoting", "[table][network]") {
  CHECK(tcp_request("a b%\x01") == "get a%20b%25%01\n");
  CHECK(shown(parse_tcp_reply("200 one%20two\n")) == "one two");
  CHECK(shown(parse_tcp_reply("500 no\r\n")) == "(none)");
  CHECK(shown(parse_tcp_reply("400 try%20later\n")) == "error: try later");
  CHECK(shown(parse_tcp_reply("300 x\n")).starts_with("error: unknown reply code 300"));
  CHECK(shown(parse_tcp_reply("200\n")).starts_with("error: malformed"));
  CHECK(shown(parse_tcp_reply("200 %4\n")).starts_with("error: bad % code"));
}

TEST_CASE("table socketmap: every reply word has its meaning, none is a definite no but NOTFOUND", "[table][network]") {
  CHECK(socketmap_request("virt", "a@b") == "8:virt a@b,");
  CHECK(shown(parse_socketmap_reply("OK one two")) == "one two");
  CHECK(shown(parse_socketmap_reply("NOTFOUND ")) == "(none)");
  CHECK(shown(parse_socketmap_reply("TEMP later")) == "error: TEMP later");
  CHECK(shown(parse_socketmap_reply("PERM bad")) == "error: PERM bad");
  CHECK(shown(parse_socketmap_reply("OK")).starts_with("error: malformed"));
  CHECK(shown(parse_socketmap_reply("")).starts_with("error: malformed"));
}

TEST_CASE("table socketmap: asks a server, and plain code is run again until it has its answers", "[table][network]") {
  Scratch scratch;
  std::string socket = scratch.path("map");
  int questions = 0;
  Server server(socket, [&](std::string_view request) {
    ++questions;
    if (request.find("m a@x.test,") != std::string_view::npos) return netstring("OK b@x.test");
    if (request.find("m b@x.test,") != std::string_view::npos) return netstring("OK c@x.test");
    return netstring("NOTFOUND ");
  });
  auto maps = Maps::open({}, "virtual_alias_maps", "socketmap:unix:" + socket + ":m");
  CHECK(maps.find("a@x.test").is_error());
  auto follow = [&] {
    std::string at = "A@x.test";
    while (auto found = maps.find(at)) at = found.value();
    return at;
  };
  CHECK(event::run_until_done(settle(follow)) == "c@x.test");
  CHECK(questions == 3);
}

TEST_CASE("table socketmap: a server that is not there or talks nonsense is a temporary error", "[table][network]") {
  Scratch scratch;
  auto ask = [&](const std::string& socket) {
    auto table = open({}, "socketmap:unix:" + socket + ":m");
    REQUIRE(table);
    return shown(event::run_until_done((*table)->lookup("k")));
  };
  CHECK(ask(scratch.path("none")).starts_with("error: "));
  for (std::string reply : {"x", "99999999:", "3:abc;", "1:O,"}) {
    std::string socket = scratch.path("s" + std::to_string(reply.size()) + reply.substr(0, 1));
    Server server(socket, [&](std::string_view) { return reply; });
    CHECK(ask(socket).starts_with("error: "));
  }
}

TEST_CASE("table settle: pipemap and unionmap wait for their parts", "[table][network]") {
  Scratch scratch;
  std::string socket = scratch.path("map");
  Server server(socket, [](std::string_view) { return netstring("OK inner"); });
  std::string spec = "socketmap:unix:" + socket + ":m";
  auto maps = Maps::open({}, "m", "pipemap:{" + spec + ", inline:{inner=outer}}");
  auto find = [&] { return shown(maps.find("k")); };
  CHECK(event::run_until_done(settle(find)) == "outer");
  auto both = Maps::open({}, "m", "unionmap:{" + spec + ", static:x}");
  auto find_both = [&] { return shown(both.find("k")); };
  CHECK(event::run_until_done(settle(find_both)) == "inner,x");
}
