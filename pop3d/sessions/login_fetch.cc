#include "pop3d/sessions/login_fetch.h"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>

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

event::Task<LoginFetch::Attempt> LoginFetch::ask_on(Connection* connection, const auth::AuthLine* request,
                                                    Result<auth::AuthLine>* into) {
  connection->stream.write(request->text());
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
    static constexpr std::string_view kAnswers[] = {"USER", "SEAL", "FAIL", "NOTFOUND"};
    bool answer = std::find(std::begin(kAnswers), std::end(kAnswers), line.verb()) != std::end(kAnswers);
    if (!answer || line.field(0) != request->field(0)) continue;
    *into = std::move(line);
    co_return Attempt::answered;
  }
}

event::Task<Result<auth::AuthLine>> LoginFetch::exchange(std::string verb, std::vector<std::string> fields) {
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
      connection->stream.write("VERSION\t1\t2\n");
    }
    auth::AuthLine request(verb);
    request.add(std::to_string(connection->next++));
    for (const std::string& field : fields) request.add(field);
    Result<auth::AuthLine> line = temporary(path_ + ": the authentication server closed the connection");
    Attempt result = co_await ask_on(connection.get(), &request, &line);
    if (result == Attempt::answered) {
      if (line && idle_.size() < kMostIdle) idle_.push_back(std::move(connection));
      co_return line;
    }
    if (!kept) co_return line;
    idle_.clear();  // the server was started anew
  }
  co_return temporary(path_ + ": the authentication server closed the connection");
}

event::Task<Result<void>> LoginFetch::learn_key() {
  std::vector<std::string> nothing;
  UMAYA_CO_TRY(auth::AuthLine line, co_await exchange("SEAL", std::move(nothing)));
  auto key = hex_decode(line.field(1));
  if (line.verb() != "SEAL" || !key) co_return temporary(path_ + ": the authentication server does not tell its key");
  line.wipe();
  Secret told(std::move(*key));
  // The same key as before keeps its memory of what was opened with it.
  if (!seal_ || seal_->key().reveal() != told.reveal()) seal_ = std::make_unique<auth::LoginSeal>(std::move(told));
  co_return Result<void>{};
}

event::Task<Result<auth::LoginData>> LoginFetch::open_sealed(const auth::LoginTicket* ticket) {
  if (seal_) {
    auto data = seal_->open(ticket->sealed, *ticket, monotonic_now());
    if (data) co_return data;
  }
  // Not known yet, or the server was started anew: it has another key then.
  UMAYA_CO_CHECK(co_await learn_key());
  co_return seal_->open(ticket->sealed, *ticket, monotonic_now());
}

event::Task<Result<auth::LoginData>> LoginFetch::ask(auth::LoginTicket ticket) {
  if (!ticket.sealed.empty()) co_return co_await open_sealed(&ticket);
  std::vector<std::string> fields = {std::to_string(ticket.client_pid), std::to_string(ticket.request), ticket.cookie};
  UMAYA_CO_TRY(auth::AuthLine line, co_await exchange("REQUEST", std::move(fields)));
  co_return auth::parse_login_data(line);
}

}  // namespace umaya::pop3d
