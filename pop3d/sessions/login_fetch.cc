#include "pop3d/sessions/login_fetch.h"

#include <sys/socket.h>
#include <unistd.h>

#include "libcommon/base/strings.h"
#include "libcommon/event/listener.h"

namespace umaya::pop3d {

namespace {

using namespace std::chrono_literals;

constexpr Duration kLimit = 10s;

std::string_view without_end(std::string_view line) {
  while (line.ends_with('\n') || line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

}  // namespace

event::Task<LoginFetch::Attempt> LoginFetch::ask_on(Connection* connection, const auth::LoginTicket* ticket,
                                                    Result<auth::LoginData>* into) {
  const std::string id = std::to_string(connection->next++);
  auth::AuthLine request("REQUEST");
  request.add(id).add(std::to_string(ticket->client_pid)).add(std::to_string(ticket->request)).add(ticket->cookie);
  connection->stream.write(request.text());
  auto sent = co_await connection->stream.flush();
  if (!sent) co_return Attempt::lost;
  while (true) {
    event::Read read = co_await connection->stream.read_line(auth::kMostAuthLine);
    if (read.status == event::ReadStatus::timed_out) {
      *into = temporary(path_ + ": the authentication server does not answer");
      co_return Attempt::answered;
    }
    if (!read) co_return Attempt::lost;
    auth::AuthLine line = auth::AuthLine::parse(without_end(read.data));
    bool answer = line.verb() == "USER" || line.verb() == "FAIL" || line.verb() == "NOTFOUND";
    if (!answer || line.field(0) != id) continue;
    *into = auth::parse_login_data(line);
    co_return Attempt::answered;
  }
}

event::Task<Result<auth::LoginData>> LoginFetch::ask(auth::LoginTicket ticket) {
  for (int attempt = 0; attempt < 2; ++attempt) {
    std::unique_ptr<Connection> connection;
    const bool kept = !idle_.empty();
    if (kept) {
      connection = std::move(idle_.back());
      idle_.pop_back();
    } else {
      UMAYA_CO_TRY(Fd fd, event::connect_unix(path_, SOCK_STREAM));
      connection = std::make_unique<Connection>(std::move(fd));
      connection->stream.set_timeout(kLimit);
      connection->stream.write("VERSION\t1\t2\nCPID\t" + std::to_string(getpid()) + "\n");
    }
    Result<auth::LoginData> data = temporary(path_ + ": the authentication server closed the connection");
    Attempt result = co_await ask_on(connection.get(), &ticket, &data);
    if (result == Attempt::answered) {
      if (data && idle_.size() < kMostIdle) idle_.push_back(std::move(connection));
      co_return data;
    }
    if (!kept) co_return data;
    idle_.clear();  // the server was started anew
  }
  co_return temporary(path_ + ": the authentication server closed the connection");
}

}  // namespace umaya::pop3d
