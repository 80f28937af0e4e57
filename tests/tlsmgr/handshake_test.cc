// The server's side of TLS and tlsmgr in one process, against OpenSSL's client in a thread.
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <catch2/catch.hpp>
#include <fstream>
#include <thread>

#include "libcommon/event/listener.h"
#include "libcommon/tls/identity/self_signed.h"
#include "libcommon/tls/server.h"
#include "tests/support/temp_directory.h"
#include "tlsmgr/session.h"

namespace umaya {

using namespace std::chrono_literals;
using event::Task;
using test::TempDirectory;

namespace {

/// tlsmgr's end; silent: it takes questions and never answers.
class Manager {
 public:
  enum class Manner : uint8_t { answers, silent };
  Manager(const std::string& path, const config::Config& config, Manner manner = Manner::answers)
      : manner_(manner),
        listener_(*event::listen_unix(path, SOCK_SEQPACKET, 0600), [this](Fd fd, auto&) { take(std::move(fd)); }) {
    tls::IdentityFiles files = tls::self_signed_files(config);
    std::vector<tls::SourceFile> sources;
    sources.push_back(tls::read_source(files.paths()[0]));
    service_.store().load(files, std::move(sources));
  }
  tlsmgr::Service& service() { return service_; }
  /// From now on nothing is answered.
  void fall_silent() { manner_ = Manner::silent; }
  size_t unanswered() const { return kept_.size(); }
  void close_all() {
    service_.close_idle();
    scope_.cancel();
  }

 private:
  void take(Fd fd) {
    if (manner_ == Manner::silent) return void(kept_.push_back(std::move(fd)));
    scope_.spawn(service_.serve(std::move(fd)));
  }
  Manner manner_;
  tlsmgr::Service service_;
  event::TaskScope scope_;
  std::vector<Fd> kept_;
  event::Listener listener_;
};

/// What an OpenSSL client saw.
struct Seen {
  bool connected = false;
  std::string version, heard;
  bool closed_properly = false;
};

Seen run_client(int fd, int version) {
  Seen seen;
  SSL_CTX* context = SSL_CTX_new(TLS_client_method());
  SSL_CTX_set_max_proto_version(context, version);
  SSL* ssl = SSL_new(context);
  SSL_set_fd(ssl, fd);
  seen.connected = SSL_connect(ssl) == 1;
  if (seen.connected) {
    seen.version = SSL_get_version(ssl);
    SSL_write(ssl, "hello\n", 6);
    char block[100];
    int n = SSL_read(ssl, block, sizeof block);
    if (n > 0) seen.heard.assign(block, static_cast<size_t>(n));
    n = SSL_read(ssl, block, sizeof block);
    seen.closed_properly = SSL_get_error(ssl, n) == SSL_ERROR_ZERO_RETURN;
  }
  SSL_free(ssl);
  SSL_CTX_free(context);
  ::shutdown(fd, SHUT_RDWR);
  return seen;
}

struct Bench {
  TempDirectory directory;
  config::Config config;
  std::string socket = directory / "tlsmgr";
  std::unique_ptr<tls::Server> server;

  Bench() : config(make_config(directory.path())) {
    REQUIRE(tls::ensure_self_signed(config));
    auto settings = tls::server_settings(config, "smtpd", false);
    REQUIRE(settings);
    auto made = tls::Server::open(*settings, socket, "smtp", {"smtp"});
    REQUIRE(made);
    server = std::move(*made);
  }
  static config::Config make_config(const std::string& path) {
    auto config = config::Config::from_text("data_directory = " + path + "\nmyhostname = host.test\n", path);
    REQUIRE(config);
    return *config;
  }
};

std::pair<Fd, Fd> socket_pair() {
  int ends[2];
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
  return {Fd(ends[0]), Fd(ends[1])};
}

/// A session: handshake, a line, an answer.
Task<Result<tls::SessionInfo>> session(tls::Server* server, Fd fd, std::string* line) {
  event::Stream stream(std::move(fd));
  Result<tls::SessionInfo> info = co_await server->accept(&stream, 10s);
  if (!info) co_return info;
  event::Read read = co_await stream.read_line(100);
  *line = read.data;
  stream.write("good");
  stream.write(" bye");
  (void)co_await stream.flush();
  stream.shutdown_write();
  co_return info;
}

}  // namespace

TEST_CASE("handshake: tlsmgr signs, and bytes go both ways", "[tlsmgr][tls]") {
  Bench bench;
  Manager manager(bench.socket, bench.config);
  for (int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    auto [ours, theirs] = socket_pair();
    Seen seen;
    std::thread client([&seen, version, fd = theirs.get()] { seen = run_client(fd, version); });
    std::string line;
    auto info = event::run_until_done(session(bench.server.get(), std::move(ours), &line));
    client.join();
    REQUIRE(info);
    CHECK(line == "hello\n");
    CHECK(seen.heard == "good bye");
    CHECK(seen.closed_properly);
    CHECK(info->protocol == (version == TLS1_3_VERSION ? "TLSv1.3" : "TLSv1.2"));
    CHECK(seen.version == info->protocol);
    CHECK_FALSE(info->resumed);
    CHECK_FALSE(info->peer.present);
    if (version == TLS1_3_VERSION) {
      CHECK(tls::describe(*info) ==
            "TLSv1.3 with cipher TLS_AES_128_GCM_SHA256 (128/128 bits) key-exchange X25519 "
            "server-signature ECDSA (prime256v1) server-digest SHA256");
    }
  }
  CHECK(manager.service().store().keys() == 1);
}

TEST_CASE("handshake: what came in the clear is not heard (S5)", "[tlsmgr][tls]") {
  Bench bench;
  Manager manager(bench.socket, bench.config);
  auto [ours, theirs] = socket_pair();
  REQUIRE(::write(theirs.get(), "STARTTLS\nMAIL FROM:<evil>\nRCP", 29) == 29);
  event::Stream stream(std::move(ours));
  auto first = [](event::Stream* from) -> Task<std::string> {
    event::Read read = co_await from->read_line(100);
    co_return std::string(read.data);
  };
  REQUIRE(event::run_until_done(first(&stream)) == "STARTTLS\n");
  auto story = [](tls::Server* server, event::Stream* from) -> Task<std::string> {
    Result<tls::SessionInfo> info = co_await server->accept(from, 10s);
    if (!info) co_return info.error().what;
    event::Read read = co_await from->read_line(100);
    co_return std::string(read.data);
  };
  Seen seen;
  std::thread client([&seen, fd = theirs.get()] { seen = run_client(fd, TLS1_3_VERSION); });
  std::string line = event::run_until_done(story(bench.server.get(), &stream));
  stream.shutdown_write();
  client.join();
  CHECK(line == "hello\n");
}

TEST_CASE("handshake: without tlsmgr there is no TLS, and the cure is told", "[tlsmgr][tls]") {
  Bench bench;
  auto [ours, theirs] = socket_pair();
  std::string line;
  auto info = event::run_until_done(session(bench.server.get(), std::move(ours), &line));
  REQUIRE_FALSE(info);
  CHECK(info.error().what.find("add the line \"tlsmgr unix - - n 1000? 1 tlsmgr\"") != std::string::npos);
  CHECK_FALSE(event::run_until_done(bench.server->ready()));
}

TEST_CASE("handshake: a client that goes, or is given up, while the signature is under way", "[tlsmgr][tls]") {
  Bench bench;
  Manager manager(bench.socket, bench.config);
  {
    // Certificate and keys of tickets are there after this: the next question is for a signature.
    auto [ours, theirs] = socket_pair();
    std::thread client([fd = theirs.get()] { run_client(fd, TLS1_3_VERSION); });
    std::string line;
    auto info = event::run_until_done(session(bench.server.get(), std::move(ours), &line));
    client.join();
    REQUIRE(info);
  }
  manager.close_all();
  manager.fall_silent();
  auto [ours, theirs] = socket_pair();
  Seen seen;
  std::thread client([&seen, fd = theirs.get()] { seen = run_client(fd, TLS1_3_VERSION); });
  std::string line;
  {
    event::TaskScope scope;
    auto outer = [](Task<Result<tls::SessionInfo>> inner) -> Task<void> { (void)co_await inner; };
    scope.spawn(outer(session(bench.server.get(), std::move(ours), &line)));
    auto until = [](Manager* m) -> Task<void> {
      while (m->unanswered() == 0) co_await event::sleep(5ms);
      co_await event::sleep(50ms);
    };
    event::run_until_done(until(&manager));
    CHECK(manager.unanswered() == 1);
  }
  client.join();
  CHECK_FALSE(seen.connected);
}

TEST_CASE("handshake: silence ends it in time", "[tlsmgr][tls]") {
  Bench bench;
  Manager manager(bench.socket, bench.config);
  auto [ours, theirs] = socket_pair();
  auto story = [](tls::Server* server, Fd fd) -> Task<Result<tls::SessionInfo>> {
    event::Stream stream(std::move(fd));
    Result<tls::SessionInfo> info = co_await server->accept(&stream, 100ms);
    co_return info;
  };
  auto info = event::run_until_done(story(bench.server.get(), std::move(ours)));
  REQUIRE_FALSE(info);
  CHECK(info.error().sys_errno == ETIMEDOUT);
}

}  // namespace umaya
