#include <netinet/in.h>

#include <catch2/catch.hpp>

#include "libcommon/base/strings.h"
#include "libcommon/event/stream.h"
#include "libcommon/log/log.h"
#include "named-lite/statistics/http_request.h"
#include "named-lite/statistics/http_server.h"

using namespace umaya;
using namespace umaya::named;
using namespace std::chrono_literals;

namespace {

using State = HttpRequestReader::State;

HttpRequestReader read_request(std::string_view text) {
  HttpRequestReader reader;
  while (!text.empty() && reader.state() == State::more) {
    size_t end = std::min(text.find('\n'), text.size() - 1) + 1;
    reader.take(text.substr(0, end));
    text.remove_prefix(end);
  }
  return reader;
}

int status_of(std::string_view text) {
  HttpRequestReader reader = read_request(text);
  return reader.state() == State::done ? 200 : reader.status();
}

event::Task<std::string> talk(net::Endpoint at, std::string bytes) {
  event::PeerAddress to;
  to.size = at.to_sockaddr(to.storage);
  auto fd = co_await event::connect_to(to, 5s);
  if (!fd) co_return "no connection";
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
  explicit Served(Acl allow) {
    log::capture([](log::Level, std::string_view) {});
    sockaddr_in any{};
    any.sin_family = AF_INET;
    any.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    auto fd = event::listen_on(reinterpret_cast<const sockaddr*>(&any), sizeof any);
    REQUIRE(fd);
    socklen_t size = sizeof any;
    REQUIRE(getsockname(fd->get(), reinterpret_cast<sockaddr*>(&any), &size) == 0);
    at = {*net::IpAddress::parse("127.0.0.1"), ntohs(any.sin_port)};
    StatisticsSocket socket;
    socket.fd = std::move(*fd);
    socket.at = at;
    std::vector<StatisticsSocket> sockets;
    sockets.push_back(std::move(socket));
    server = std::make_unique<StatisticsServer>(std::move(sockets), [] {
      StatisticsReport report;
      report.version = "v";
      return report;
    });
    StatisticsChannel channel;
    channel.at = at;
    channel.allow = std::make_shared<const Acl>(std::move(allow));
    server->allow({channel});
  }
  ~Served() { log::capture(nullptr); }
  std::string ask(const std::string& bytes) { return event::run_until_done(talk(at, bytes)); }

  net::Endpoint at;
  std::unique_ptr<StatisticsServer> server;
};

}  // namespace

TEST_CASE("HTTP request: GET and HEAD are understood", "[named][statistics][http]") {
  HttpRequestReader reader =
      read_request("GET /json/v1?x=1 HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Close\r\n\r\n");
  REQUIRE(reader.state() == State::done);
  CHECK(reader.request().path == "/json/v1");
  CHECK(reader.request().close);
  CHECK_FALSE(reader.request().head);
  reader = read_request("\r\nHEAD http://a:1/metrics HTTP/1.1\nHost:\n\n");
  REQUIRE(reader.state() == State::done);
  CHECK(reader.request().path == "/metrics");
  CHECK(reader.request().head);
  CHECK_FALSE(reader.request().close);
  reader = read_request("GET http://a HTTP/1.0\r\n\r\n");
  REQUIRE(reader.state() == State::done);
  CHECK(reader.request().path == "/");
  CHECK(reader.request().close);
  CHECK(read_request("GET / HTTP/1.1\r\nHost: a\r\n").state() == State::more);
}

TEST_CASE("HTTP request: what could hide another request, or is none, is refused", "[named][statistics][http]") {
  CHECK(status_of("GET / HTTP/1.1\r\n\r\n") == 400);
  CHECK(status_of("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n") == 400);
  CHECK(status_of("GET / HTTP/1.1\r\nHost : a\r\n\r\n") == 400);
  CHECK(status_of("GET / HTTP/1.1\r\n Host: a\r\n\r\n") == 400);
  CHECK(status_of("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n") == 413);
  CHECK(status_of("GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n") == 400);
  CHECK(status_of("GET / HTTP/1.1\r\nHost: a\rX: b\r\n\r\n") == 400);
  CHECK(status_of("POST / HTTP/1.1\r\nHost: a\r\n\r\n") == 501);
  CHECK(status_of("GET / HTTP/2.0\r\nHost: a\r\n\r\n") == 505);
  CHECK(status_of("GET /\r\n\r\n") == 400);
  CHECK(status_of("GET  HTTP/1.1\r\nHost: a\r\n\r\n") == 400);
  CHECK(status_of("GET x HTTP/1.1\r\nHost: a\r\n\r\n") == 400);
  CHECK(status_of("GET / x HTTP/1.1\r\nHost: a\r\n\r\n") == 400);
  CHECK(status_of("\r\n\r\n\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n") == 400);
  CHECK(status_of("GET /" + std::string(5000, 'a') + " HTTP/1.1\r\nHost: a\r\n\r\n") == 431);
  std::string many = "GET / HTTP/1.1\r\nHost: a\r\n";
  for (int i = 0; i < 64; ++i) many += "X: y\r\n";
  CHECK(status_of(many + "\r\n") == 431);
}

TEST_CASE("statistics server: pages are given, one after the other on a connection", "[named][statistics][http]") {
  Served served(acl_of_any());
  std::string two =
      served.ask("GET /json HTTP/1.1\r\nHost: a\r\n\r\nGET /nope HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  CHECK(two.starts_with("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"));
  CHECK(two.find("\"version\":\"v\"") != std::string::npos);
  CHECK(two.find("HTTP/1.1 404 Not Found\r\n") != std::string::npos);
  std::string head = served.ask("HEAD /metrics HTTP/1.0\r\n\r\n");
  CHECK(head.find("version=0.0.4") != std::string::npos);
  CHECK(head.ends_with("\r\n\r\n"));
  CHECK(served.ask("nonsense\r\n").starts_with("HTTP/1.1 400 Bad Request\r\n"));
  CHECK(served.ask(std::string(9000, 'x')).starts_with("HTTP/1.1 431 "));
}

TEST_CASE("statistics server: who is not allowed gets nothing", "[named][statistics][http]") {
  Served served(Acl{});
  CHECK(served.ask("GET / HTTP/1.0\r\n\r\n").empty());
  Served everybody(acl_of_any());
  CHECK_FALSE(everybody.ask("GET / HTTP/1.0\r\n\r\n").empty());
  everybody.server->allow({});
  CHECK(everybody.ask("GET / HTTP/1.0\r\n\r\n").empty());
}
