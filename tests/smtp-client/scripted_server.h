// NAME    scripted_server - an SMTP server that says what a script says
//
// DESCRIPTION
//     A script is lines:
//       S: text      send "text\r\n"              S- text     send it without line end
//       C: text      the client must send exactly this line
//       C*           the client sends some line     C.          the client sends text up to "."; kept in texts
//       CLOSE        close the connection          WAIT n     wait n milliseconds
//       HANG         say nothing more, keep the connection    EXIT  stop taking part
//       IN n         take n octets (BDAT)          REPEAT n text   send "text\r\n" n times
//       INJECT       send injection as it is
//       TLS          the server's side of a handshake with tls; TLS! goes on although it fails
//     Comments begin with '#'. Wrong lines are noted in problems; the connection is closed then.
#pragma once

#include <chrono>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "libcommon/base/strings.h"
#include "libcommon/event/listener.h"
#include "libcommon/event/stream.h"
#include "libcommon/net/address.h"
#include "tests/support/test_certificates.h"

namespace umaya::smtp_client {

class ScriptedServer {
 public:
  /// Listens on the address; port 0 picks one.
  explicit ScriptedServer(const std::string& address = "127.0.0.1", uint16_t port = 0) {
    net::Endpoint at{*net::IpAddress::parse(address), port};
    sockaddr_storage raw;
    socklen_t size = at.to_sockaddr(raw);
    auto fd = event::listen_on(reinterpret_cast<sockaddr*>(&raw), size);
    getsockname(fd->get(), reinterpret_cast<sockaddr*>(&raw), &size);
    port_ = net::Endpoint::from_sockaddr(reinterpret_cast<sockaddr*>(&raw))->port;
    listen(std::move(*fd));
  }
  /// Listens on a Unix socket.
  struct UnixPath {
    std::string path;
  };
  explicit ScriptedServer(const UnixPath& at) { listen(event::listen_unix(at.path, SOCK_STREAM, 0600).value()); }

  uint16_t port() const { return port_; }
  /// One for each connection, in order.
  std::vector<std::string> scripts;
  size_t connections = 0;
  std::vector<std::string> problems;
  std::vector<std::string> texts;
  std::vector<std::string> seen;  // commands, all connections
  TestTlsServer* tls = nullptr;
  std::string injection;

 private:
  void listen(Fd fd) {
    listener_ = std::make_unique<event::Listener>(std::move(fd), [this](Fd connection, const event::PeerAddress&) {
      std::string script = connections < scripts.size() ? scripts[connections] : std::string("CLOSE");
      ++connections;
      scope_.spawn(play(std::make_unique<event::Stream>(std::move(connection)), std::move(script)));
    });
  }

  event::Task<void> play(std::unique_ptr<event::Stream> stream, std::string script) {
    std::istringstream lines(script);
    stream->set_timeout(std::chrono::seconds(5));
    for (std::string line; std::getline(lines, line);) {
      if (line.empty() || line[0] == '#') continue;
      if (line == "CLOSE" || line == "EXIT") co_return;
      if (line == "HANG") co_await event::sleep(std::chrono::seconds(60));
      bool ok = co_await step(*stream, line);
      if (!ok) co_return;
    }
    // The end of a script: the client may say QUIT and close.
    auto last = co_await stream->read_line(2048);
    if (last) seen.emplace_back(trim(last.data));
  }

  event::Task<bool> step(event::Stream& stream, std::string line) {
    std::string argument = line.size() > 3 ? line.substr(3) : "";
    if (line.starts_with("S:") || line.starts_with("S-")) {
      stream.write(argument + (line[1] == '-' ? "" : "\r\n"));
      auto sent = co_await stream.flush();
      co_return sent.has_value();
    }
    if (line.starts_with("REPEAT ")) co_return co_await repeat(stream, line.substr(7));
    if (line.starts_with("WAIT ")) {
      co_await event::sleep(std::chrono::milliseconds(std::stoi(line.substr(5))));
      co_return true;
    }
    if (line.starts_with("IN ")) {
      auto data = co_await stream.read_exactly(std::stoul(argument));
      texts.emplace_back(data.data);
      co_return static_cast<bool>(data);
    }
    if (line == "INJECT") {
      stream.write(injection);
      auto sent = co_await stream.flush();
      co_return sent.has_value();
    }
    if (line.starts_with("TLS")) {
      bool done = co_await tls->accept(&stream);
      co_return done || line == "TLS!";
    }
    if (line == "C.") co_return co_await read_text(stream);
    auto read = co_await stream.read_line(8192);
    std::string got(read ? trim(read.data) : "(nothing)");
    seen.push_back(got);
    if (line != "C*" && got != argument) problems.push_back("expected \"" + argument + "\", got \"" + got + "\"");
    co_return line == "C*" ? static_cast<bool>(read) : got == argument;
  }

  event::Task<bool> repeat(event::Stream& stream, std::string what) {
    size_t space = what.find(' ');
    for (int i = std::stoi(what); i > 0; --i) {
      stream.write(what.substr(space + 1) + "\r\n");
      if (i % 1000 != 0) continue;
      auto sent = co_await stream.flush();
      if (!sent) co_return false;
    }
    auto sent = co_await stream.flush();
    co_return sent.has_value();
  }

  event::Task<bool> read_text(event::Stream& stream) {
    std::string text;
    for (;;) {
      auto line = co_await stream.read_line(1 << 20);
      if (!line) co_return false;
      if (line.data == ".\r\n") break;
      text += line.data;
    }
    texts.push_back(std::move(text));
    co_return true;
  }

  uint16_t port_ = 0;
  std::unique_ptr<event::Listener> listener_;
  event::TaskScope scope_;
};

/// A script from tests/golden/smtp-client.
inline std::string golden(const std::string& name) {
  std::ifstream in(std::string(UMAYA_SOURCE_DIR) + "/tests/golden/smtp-client/" + name);
  return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace umaya::smtp_client
