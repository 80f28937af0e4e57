#include "libcommon/auth/auth_client.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "libcommon/auth/sasl.h"
#include "libcommon/base/strings.h"
#include "libcommon/event/listener.h"

namespace umaya::auth {

namespace {

using namespace std::chrono_literals;

constexpr Duration kHandshakeLimit = 10s;
constexpr Duration kReplyLimit = 60s;  // failures are held back on purpose, slow hashes queue
constexpr size_t kMostIdle = 16;

std::string_view without_end(std::string_view line) {
  while (line.ends_with('\n') || line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

AuthReply temporary_reply(std::string reason) {
  return {AuthStatus::temporary, {}, std::move(reason), {}};
}

}  // namespace

event::Task<Result<std::unique_ptr<AuthClient::Connection>>> AuthClient::open() {
  UMAYA_CO_TRY(Fd fd, event::connect_unix(path_, SOCK_STREAM));
  auto connection = std::make_unique<Connection>(std::move(fd));
  connection->stream.set_timeout(kHandshakeLimit);
  connection->stream.write("VERSION\t1\t2\nCPID\t" + std::to_string(getpid()) + "\n");
  UMAYA_CO_CHECK(co_await connection->stream.flush());
  bool plain = false;
  while (true) {
    event::Read read = co_await connection->stream.read_line(kMostAuthLine);
    if (!read) co_return temporary(path_ + ": the authentication server closed during the greeting");
    AuthLine line = AuthLine::parse(without_end(read.data));
    if (line.verb() == "VERSION" && line.field(0) != "1") co_return temporary(path_ + ": another protocol version");
    if (line.verb() == "MECH" && line.field(0) == "PLAIN") plain = true;
    if (line.verb() == "COOKIE") connection->cookie = line.field(0);
    if (line.verb() == "DONE") break;
  }
  if (!plain) co_return temporary(path_ + ": the authentication server does not offer PLAIN");
  connection->stream.set_timeout(kReplyLimit);
  co_return connection;
}

event::Task<AuthClient::Attempt> AuthClient::ask(Connection* connection, std::string request, uint32_t id,
                                                 AuthReply* reply) {
  connection->stream.write(request);
  explicit_bzero(request.data(), request.size());
  auto sent = co_await connection->stream.flush();
  if (!sent) co_return Attempt::lost;
  while (true) {
    event::Read read = co_await connection->stream.read_line(kMostAuthLine);
    if (read.status == event::ReadStatus::timed_out) {
      *reply = temporary_reply("the authentication server does not answer");
      co_return Attempt::answered;
    }
    if (!read) co_return Attempt::lost;
    AuthLine line = AuthLine::parse(without_end(read.data));
    if (line.field(0) != std::to_string(id)) continue;
    reply->user = line.value("user").value_or("");
    if (line.verb() == "OK") {
      reply->status = AuthStatus::ok;
      reply->ticket = {static_cast<uint32_t>(getpid()), id, connection->cookie};
    } else if (line.verb() == "FAIL") {
      bool temp = line.has("temp") || line.value("code") == "temp_fail";
      reply->status = temp ? AuthStatus::temporary : AuthStatus::failed;
      reply->reason = line.value("reason").value_or(temp ? "temporary trouble of the authentication server" : "");
    } else {
      *reply = temporary_reply("the authentication server answered \"" + printable(line.verb()) + "\"");
    }
    co_return Attempt::answered;
  }
}

event::Task<AuthReply> AuthClient::check_plain(std::string user, Secret password, AuthContext context) {
  for (int attempt = 0; attempt < 2; ++attempt) {
    std::unique_ptr<Connection> connection;
    bool kept = !idle_.empty();
    if (kept) {
      connection = std::move(idle_.back());
      idle_.pop_back();
    } else {
      auto opened = co_await open();
      if (!opened) co_return temporary_reply(opened.error().what);
      connection = std::move(*opened);
    }
    uint32_t id = next_id_++;
    AuthLine line("AUTH");
    line.add(std::to_string(id)).add("PLAIN").add("service", context.service);
    if (!context.keep) line.add("nologin");
    if (!context.local.empty()) line.add("lip", context.local);
    if (!context.remote.empty()) line.add("rip", context.remote);
    if (context.secured) line.add("secured");
    std::string message = make_sasl_plain(user, password.reveal());
    line.add("resp", base64_encode(message));
    explicit_bzero(message.data(), message.size());
    AuthReply reply;
    std::string text = line.text();
    line.wipe();
    Attempt result = co_await ask(connection.get(), std::move(text), id, &reply);
    if (result == Attempt::answered) {
      if (reply.status != AuthStatus::temporary && idle_.size() < kMostIdle) idle_.push_back(std::move(connection));
      co_return reply;
    }
    if (!kept) break;
    idle_.clear();  // the server was started anew: its other connections are dead too
  }
  co_return temporary_reply(path_ + ": the authentication server closed the connection");
}

Result<LoginData> parse_login_data(const AuthLine& line) {
  if (line.verb() == "FAIL") return temporary("the authentication server knows no such log-in any more");
  auto number = [&](std::string_view name) { return parse_uint(line.value(name).value_or("")); };
  auto uid = number("uid");
  auto gid = number("gid");
  if (line.verb() != "USER" || !uid || !gid || *uid >= UINT32_MAX || *gid >= UINT32_MAX || line.field(1).empty()) {
    return temporary("the authentication server's data of the user are malformed");
  }
  return LoginData{std::string(line.field(1)), static_cast<uint32_t>(*uid), static_cast<uint32_t>(*gid),
                   std::string(line.value("home").value_or("")), std::string(line.value("mail").value_or(""))};
}

namespace {

/// Reads one line; the descriptor does not block.
Result<std::string> blocking_line(int fd, std::string& buffer, TimePoint until) {
  while (true) {
    if (size_t end = buffer.find('\n'); end != std::string::npos) {
      std::string line = buffer.substr(0, end);
      buffer.erase(0, end + 1);
      return line;
    }
    if (buffer.size() > kMostAuthLine) return temporary("the authentication server sends no line end");
    auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - monotonic_now()).count();
    pollfd wait{fd, POLLIN, 0};
    if (left <= 0 || poll(&wait, 1, static_cast<int>(left)) == 0) return sys_error("authentication server", ETIMEDOUT);
    char piece[4096];
    ssize_t n = read(fd, piece, sizeof piece);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) continue;
    if (n < 0) return sys_error("authentication server");
    if (n == 0) return temporary("the authentication server closed the connection");
    buffer.append(piece, static_cast<size_t>(n));
  }
}

}  // namespace

Result<LoginData> fetch_login(const std::string& socket_path, const LoginTicket& ticket, Duration limit) {
  TimePoint until = monotonic_now() + limit;
  UMAYA_TRY(Fd fd, event::connect_unix(socket_path, SOCK_STREAM));
  AuthLine request("REQUEST");
  request.add("1").add(std::to_string(ticket.client_pid)).add(std::to_string(ticket.request)).add(ticket.cookie);
  std::string text = "VERSION\t1\t2\nCPID\t" + std::to_string(getpid()) + "\n" + request.text();
  if (send(fd.get(), text.data(), text.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(text.size())) {
    return sys_error(socket_path);
  }
  std::string buffer;
  while (true) {
    UMAYA_TRY(std::string raw, blocking_line(fd.get(), buffer, until));
    AuthLine line = AuthLine::parse(raw);
    if (line.verb() == "USER" || line.verb() == "FAIL" || line.verb() == "NOTFOUND") return parse_login_data(line);
  }
}

}  // namespace umaya::auth
