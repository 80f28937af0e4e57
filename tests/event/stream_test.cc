#include "libcommon/event/stream.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <catch2/catch.hpp>

#include "libcommon/event/listener.h"

using namespace umaya;
using namespace umaya::event;

namespace {

struct Pair {
  Fd ours, theirs;
  Pair() {
    int fds[2];
    REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == 0);
    ours.reset(fds[0]);
    theirs.reset(fds[1]);
  }
  void say(std::string_view text) { REQUIRE(::write(theirs.get(), text.data(), text.size()) == ssize_t(text.size())); }
};

/// A TCP socket that listens on this host.
struct Loopback {
  Fd listening;
  PeerAddress address;
  Loopback() {
    sockaddr_in any{};
    any.sin_family = AF_INET;
    any.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    auto fd = listen_on(reinterpret_cast<sockaddr*>(&any), sizeof any);
    REQUIRE(fd);
    listening = std::move(*fd);
    address.size = sizeof address.storage;
    REQUIRE(getsockname(listening.get(), reinterpret_cast<sockaddr*>(&address.storage), &address.size) == 0);
  }
  Fd connect() const {
    auto client = run_until_done(connect_to(address, 5s));
    REQUIRE(client);
    return std::move(*client);
  }
};

Task<bool> waited(Duration time) {
  co_await sleep(time);
  co_return true;
}

Task<Read> line_of(Stream* s, size_t limit) {
  co_return co_await s->read_line(limit);
}
Task<Read> some_of(Stream* s) {
  co_return co_await s->read_some();
}
Task<Read> exactly_of(Stream* s, size_t n) {
  co_return co_await s->read_exactly(n);
}

Task<void> count_lines(Stream* s, size_t* lines, ReadStatus* end) {
  while (true) {
    Read line = co_await s->read_line(100);
    if (!line) {
      *end = line.status;
      co_return;
    }
    ++*lines;
  }
}

}  // namespace

TEST_CASE("stream: lines come whole however the bytes arrive", "[event][stream]") {
  std::string text = "EHLO a\r\nMAIL FROM:<>\r\n\nx\n";
  for (size_t cut = 0; cut <= text.size(); ++cut) {
    Pair pair;
    Stream s(std::move(pair.ours));
    size_t lines = 0;
    ReadStatus end = ReadStatus::ok;
    TaskScope scope;
    scope.spawn(count_lines(&s, &lines, &end));
    pair.say(text.substr(0, cut));
    Loop::current().run_once();
    pair.say(text.substr(cut));
    pair.theirs.reset();
    while (!scope.empty()) Loop::current().run_once();
    REQUIRE(lines == 4);
    REQUIRE(end == ReadStatus::eof);
  }
}

TEST_CASE("stream: an end of stream that stands right behind the last bytes is seen", "[event][stream]") {
  Pair pair;
  Stream s(std::move(pair.ours));
  pair.say("half a line");
  pair.theirs.reset();
  Read read = run_until_done(line_of(&s, 100));
  REQUIRE(read.status == ReadStatus::eof);
  REQUIRE(read.data == "half a line");
}

TEST_CASE("stream: S32 a peer that goes away with our answer unread is noticed behind its last bytes",
          "[event][stream]") {
  Pair pair;
  Stream stream(std::move(pair.ours));
  TaskScope scope;
  size_t lines = 0;
  ReadStatus end = ReadStatus::ok;
  scope.spawn(count_lines(&stream, &lines, &end));
  Loop::current().run_once();
  // All of it comes before the loop looks: the socket has bytes and an error (ECONNRESET) at once.
  stream.write("an answer");
  stream.flush_now();
  pair.say("one\ntwo\n");
  pair.theirs.reset();
  for (int i = 0; i < 20 && end == ReadStatus::ok; ++i) Loop::current().run_once();
  CHECK(lines == 2);
  CHECK(end != ReadStatus::ok);
}

TEST_CASE("stream: a half-closed peer still gets our answer", "[event][stream]") {
  Pair pair;
  Stream s(std::move(pair.ours));
  pair.say("QUIT\r\n");
  shutdown(pair.theirs.get(), SHUT_WR);
  REQUIRE(run_until_done(line_of(&s, 100)).data == "QUIT\r\n");
  REQUIRE(run_until_done(line_of(&s, 100)).status == ReadStatus::eof);
  s.write("221 Bye\r\n");
  auto flush = [](Stream* stream) -> Task<Result<void>> { co_return co_await stream->flush(); };
  REQUIRE(run_until_done(flush(&s)));
  char answer[64];
  REQUIRE(::read(pair.theirs.get(), answer, sizeof answer) == 9);
}

TEST_CASE("stream: a line longer than its limit is given in part and nothing is lost", "[event][stream]") {
  Pair pair;
  Stream s(std::move(pair.ours));
  pair.say("0123456789\nnext\n");
  Read read = run_until_done(line_of(&s, 4));
  REQUIRE(read.status == ReadStatus::too_long);
  REQUIRE(read.data == "0123");
  REQUIRE(run_until_done(line_of(&s, 100)).data == "456789\n");
  REQUIRE(run_until_done(exactly_of(&s, 2)).data == "ne");
  REQUIRE(run_until_done(some_of(&s)).data == "xt\n");
}

TEST_CASE("stream: a time-out ends one operation, the stream goes on", "[event][stream]") {
  Pair pair;
  Stream s(std::move(pair.ours));
  s.set_timeout(20ms);
  pair.say("part");
  auto before = monotonic_now();
  Read read = run_until_done(line_of(&s, 100));
  REQUIRE(read.status == ReadStatus::timed_out);
  REQUIRE(monotonic_now() - before >= 19ms);
  pair.say("ial\n");
  REQUIRE(run_until_done(line_of(&s, 100)).data == "partial\n");
  s.set_timeout(kForever);
  s.set_deadline(monotonic_now() + 10ms);
  REQUIRE(run_until_done(line_of(&s, 100)).status == ReadStatus::timed_out);
}

TEST_CASE("stream: a writer waits for a slow reader and sends every byte once", "[event][stream]") {
  Pair pair;
  Stream s(std::move(pair.ours));
  Stream peer(std::move(pair.theirs));
  std::string big(3'000'000, 'x');
  for (size_t i = 0; i < big.size(); ++i) big[i] = static_cast<char>(i * 31 >> 3);
  std::string got;
  TaskScope scope;
  auto send = [](Stream* stream, std::string_view text) -> Task<void> {
    stream->write("head");
    (void)co_await stream->flush(text);
    stream->shutdown_write();
  };
  auto receive = [](Stream* stream, std::string* out) -> Task<void> {
    while (true) {
      Read read = co_await stream->read_some();
      if (!read) co_return;
      out->append(read.data);
    }
  };
  scope.spawn(send(&s, big));
  scope.spawn(receive(&peer, &got));
  while (!scope.empty()) Loop::current().run_once();
  REQUIRE(got.size() == big.size() + 4);
  REQUIRE(got.substr(4) == big);
}

TEST_CASE("stream: last words that are held leave with the end of the stream", "[event][stream]") {
  Loopback loopback;
  for (bool destroyed : {false, true}) {
    Fd client = loopback.connect();
    auto s = std::make_unique<Stream>(Fd(::accept(loopback.listening.get(), nullptr, nullptr)));
    s->hold_for_end();
    s->write("+OK Bye.\r\n");
    s->flush_now();
    char text[64];
    CHECK(recv(client.get(), text, sizeof text, MSG_DONTWAIT) < 0);
    if (destroyed) {
      s.reset();
    } else {
      s->shutdown_write();
    }
    pollfd readable{client.get(), POLLIN, 0};
    REQUIRE(poll(&readable, 1, 10'000) == 1);
    CHECK(std::string_view(text, static_cast<size_t>(recv(client.get(), text, sizeof text, 0))) == "+OK Bye.\r\n");
    CHECK(recv(client.get(), text, sizeof text, MSG_DONTWAIT) == 0);  // in the same segment
  }
}

TEST_CASE("stream: a write that the peer never takes times out", "[event][stream]") {
  Pair pair;
  Stream s(std::move(pair.ours));
  s.set_timeout(20ms);
  std::string big(3'000'000, 'x');
  auto send = [](Stream* stream, std::string_view text) -> Task<Result<void>> {
    co_return co_await stream->flush(text);
  };
  Result<void> sent = run_until_done(send(&s, big));
  REQUIRE_FALSE(sent);
  REQUIRE(sent.error().sys_errno == ETIMEDOUT);
}

TEST_CASE("stream: a transport that is exchanged in place drops what was received before", "[event][stream]") {
  struct Upper : Transport {
    explicit Upper(int f) : fd(f) {}
    Io read(std::span<char> into) override {
      ssize_t n = ::read(fd, into.data(), into.size());
      if (n < 0) return {IoStatus::want_read};
      for (auto& c : into.first(static_cast<size_t>(n))) c = static_cast<char>(toupper(c));
      return n == 0 ? Io{IoStatus::eof} : Io{IoStatus::ok, static_cast<size_t>(n)};
    }
    Io write(std::span<const iovec>) override { return {IoStatus::failed, 0, EPIPE}; }
    int fd;
  };
  Pair pair;
  Stream s(std::move(pair.ours));
  pair.say("STARTTLS\r\nRSET\r\n");
  REQUIRE(run_until_done(line_of(&s, 100)).data == "STARTTLS\r\n");
  s.set_transport(std::make_unique<Upper>(s.fd()));
  pair.say("ehlo\n");
  REQUIRE(run_until_done(line_of(&s, 100)).data == "EHLO\n");
}

TEST_CASE("listener: accepted TCP sockets send replies at once (TCP_NODELAY)", "[event][listener]") {
  Loopback loopback;
  Fd accepted;
  Listener listener(std::move(loopback.listening), [&](Fd fd, const PeerAddress&) { accepted = std::move(fd); });
  Fd client = loopback.connect();
  for (int i = 0; i < 100 && !accepted; ++i) Loop::current().run_once();
  REQUIRE(accepted);
  int on = 0;
  socklen_t size = sizeof on;
  REQUIRE(getsockopt(accepted.get(), IPPROTO_TCP, TCP_NODELAY, &on, &size) == 0);
  CHECK(on != 0);
}

TEST_CASE("listener: a client that has to speak first is accepted when it does", "[event][listener]") {
  Loopback loopback;
  Fd accepted;
  Listener listener(std::move(loopback.listening), [&](Fd fd, const PeerAddress&) { accepted = std::move(fd); });
  listener.set_client_speaks_first(true);
  Fd client = loopback.connect();
  REQUIRE(run_until_done(waited(50ms)));
  CHECK_FALSE(accepted);
  REQUIRE(::send(client.get(), "x", 1, MSG_NOSIGNAL) == 1);
  for (int i = 0; i < 100 && !accepted; ++i) Loop::current().run_once();
  CHECK(accepted);
  accepted.reset();
  listener.set_client_speaks_first(false);
  Fd silent = loopback.connect();
  for (int i = 0; i < 100 && !accepted; ++i) Loop::current().run_once();
  CHECK(accepted);
}
