#include "authd/session.h"

#include <unistd.h>

#include "libcommon/auth/sasl.h"
#include "libcommon/base/random.h"
#include "libcommon/base/strings.h"
#include "libcommon/log/log.h"

namespace umaya::authd {

using auth::AuthLine;
using auth::AuthStatus;

namespace {

std::string ticket_key(std::string_view cookie, uint32_t client_pid, uint32_t request) {
  return std::string(cookie) + ' ' + std::to_string(client_pid) + ' ' + std::to_string(request);
}

std::optional<uint32_t> id_of(std::string_view text) {
  auto id = parse_uint(text);
  if (!id || *id > UINT32_MAX) return std::nullopt;
  return static_cast<uint32_t>(*id);
}

}  // namespace

void LoginStore::keep(const std::string& cookie, uint32_t client_pid, uint32_t request, std::string user,
                      TimePoint now) {
  if (logins_.size() >= kMost) std::erase_if(logins_, [&](const auto& row) { return row.second.until < now; });
  if (logins_.size() >= kMost) return;
  logins_[ticket_key(cookie, client_pid, request)] = {std::move(user), now + kLifetime};
}

std::string LoginStore::take(std::string_view cookie, uint32_t client_pid, uint32_t request, TimePoint now) {
  auto at = logins_.find(ticket_key(cookie, client_pid, request));
  if (at == logins_.end()) return {};
  Login login = std::move(at->second);
  logins_.erase(at);
  return login.until < now ? std::string() : login.user;
}

Session::Session(Fd fd, Shared& shared, Trust trust) : stream_(std::move(fd)), shared_(shared), trust_(trust) {
  char bytes[16];
  random_bytes(bytes);
  cookie_ = to_lower(hex_encode({bytes, sizeof bytes}));
}

void Session::send(const AuthLine& line) {
  stream_.write(line.text());
  stream_.flush_now();
}

void Session::greet() {
  stream_.write("VERSION\t1\t2\nMECH\tPLAIN\tplaintext\nMECH\tLOGIN\tplaintext\nSPID\t" + std::to_string(getpid()) +
                "\nCUID\t" + std::to_string(shared_.next_connection++) + "\nCOOKIE\t" + cookie_ + "\nDONE\n");
  stream_.flush_now();
}

event::Task<void> Session::run() {
  greet();
  while (!closing_) {
    event::Read read = co_await stream_.read_line(auth::kMostAuthLine);
    if (!read) break;
    std::string_view text = read.data;
    while (text.ends_with('\n') || text.ends_with('\r')) text.remove_suffix(1);
    AuthLine line = AuthLine::parse(text);
    Protocol protocol = handle(line);
    line.wipe();
    if (protocol == Protocol::broken) break;
  }
  requests_.cancel();
}

Session::Protocol Session::handle(AuthLine& line) {
  if (line.verb() == "VERSION") {
    client_minor_ = static_cast<unsigned>(parse_uint(line.field(1)).value_or(0));
    return line.field(0) == "1" ? Protocol::kept : Protocol::broken;
  }
  if (line.verb() == "CPID") {
    auto pid = id_of(line.field(0));
    if (!pid || greeted_) return Protocol::broken;
    client_pid_ = *pid;
    greeted_ = true;
    return Protocol::kept;
  }
  if (!greeted_) return Protocol::broken;
  if (line.verb() == "AUTH") return start(line);
  if (line.verb() == "CONT") return go_on(line);
  if (line.verb() == "CANCEL") {
    if (auto id = id_of(line.field(0))) waiting_.erase(*id);
    return Protocol::kept;
  }
  if (line.verb() == "REQUEST" && trust_ == Trust::master) {
    fetch(line);
    return Protocol::kept;
  }
  log::warning("client {} sent \"{}\", which is no request: closing", client_pid_,
               printable(line.verb().substr(0, 40)));
  return Protocol::broken;
}

Session::Protocol Session::start(AuthLine& line) {
  auto id = id_of(line.field(0));
  if (!id || waiting_.contains(*id)) return Protocol::broken;
  std::string mechanism = to_upper(line.field(1));
  if (mechanism != "PLAIN" && mechanism != "LOGIN") return Protocol::broken;
  if (waiting_.size() + requests_.size() >= kMostRequests) {
    fail(*id, "", "temp_fail");
    return Protocol::kept;
  }
  bool keep = !line.has("nologin");
  std::string remote(line.value("rip").value_or(""));
  auto response = line.value("resp");
  if (!response) {
    waiting_[*id] = {mechanism, {}, remote, keep, Step::user};
    std::string_view prompt = mechanism == "LOGIN" ? auth::kLoginUserPrompt : std::string_view();
    send(AuthLine("CONT").add(std::to_string(*id)).add(base64_encode(prompt)));
    return Protocol::kept;
  }
  auto message = base64_decode(*response);
  if (!message) {
    fail(*id, "", "invalid_base64");
  } else if (mechanism == "PLAIN") {
    plain(*id, *message, keep, remote);
    explicit_bzero(message->data(), message->size());
  } else {
    Exchange& exchange = waiting_[*id] = {mechanism, {}, remote, keep, Step::user};
    login_step(*id, exchange, *message);
  }
  return Protocol::kept;
}

Session::Protocol Session::go_on(AuthLine& line) {
  auto id = id_of(line.field(0));
  auto exchange = id ? waiting_.find(*id) : waiting_.end();
  if (exchange == waiting_.end()) {
    if (!id) return Protocol::broken;
    fail(*id, "", "");
    return Protocol::kept;
  }
  auto message = base64_decode(line.field(1));
  if (!message) {
    waiting_.erase(exchange);
    fail(*id, "", "invalid_base64");
  } else if (exchange->second.mechanism == "PLAIN") {
    Exchange done = std::move(exchange->second);
    waiting_.erase(exchange);
    plain(*id, *message, done.keep, done.remote);
    explicit_bzero(message->data(), message->size());
  } else {
    login_step(*id, exchange->second, *message);
  }
  return Protocol::kept;
}

void Session::plain(uint32_t id, std::string_view message, bool keep, std::string remote) {
  auto credentials = auth::parse_sasl_plain(message);
  bool other = credentials && !credentials->authorize_as.empty() && credentials->authorize_as != credentials->user;
  if (!credentials || other) {
    fail(id, credentials ? credentials->user : "", other ? "authz_fail" : "");
    return;
  }
  Attempt attempt{std::move(credentials->user), std::move(credentials->password), std::move(remote)};
  requests_.spawn(judge(id, std::move(attempt), keep));
}

void Session::login_step(uint32_t id, Exchange& exchange, std::string_view message) {
  if (exchange.step == Step::user) {
    exchange.user = message.substr(0, 1024);
    exchange.step = Step::password;
    send(AuthLine("CONT").add(std::to_string(id)).add(base64_encode(auth::kLoginPasswordPrompt)));
    return;
  }
  Attempt attempt{std::move(exchange.user), Secret(std::string(message.substr(0, 1024))), std::move(exchange.remote)};
  bool keep = exchange.keep;
  waiting_.erase(id);
  requests_.spawn(judge(id, std::move(attempt), keep));
}

event::Task<void> Session::judge(uint32_t id, Attempt attempt, bool keep) {
  TimePoint answer_at = monotonic_now() + shared_.params.failure_delay;
  std::string user = attempt.user;
  std::string remote = attempt.remote;
  Verdict verdict = co_await shared_.authenticator.check(std::move(attempt));
  if (verdict.status == AuthStatus::ok) {
    if (keep) shared_.logins.keep(cookie_, client_pid_, id, verdict.user, monotonic_now());
    send(AuthLine("OK").add(std::to_string(id)).add("user", verdict.user));
    co_return;
  }
  std::string shown = printable(user.substr(0, 80), true);
  if (verdict.status == AuthStatus::temporary) {
    log::warning("user={}, rip={}: temporary failure: {}", shown, printable(remote), verdict.reason);
    fail(id, user, "temp_fail");
    co_return;
  }
  log::info("user={}, rip={}: {}", shown, printable(remote), verdict.reason);
  // Counted from the start, so that the time tells nothing of what was found wrong.
  co_await event::sleep(answer_at - monotonic_now());
  fail(id, user, "");
}

void Session::fail(uint32_t id, const std::string& user, std::string_view code) {
  if (code == "temp_fail" && client_minor_ == 0) {
    // Postfix takes every FAIL for a wrong password; a closed connection makes it answer 454.
    closing_ = true;
    stream_.shutdown_write();
    return;
  }
  AuthLine line("FAIL");
  line.add(std::to_string(id));
  if (!user.empty()) line.add("user", user);
  if (!code.empty()) line.add("code", code);
  if (code == "temp_fail") line.add("temp");
  send(line);
}

void Session::fetch(const AuthLine& line) {
  std::string id(line.field(0));
  auto client_pid = id_of(line.field(1));
  auto request = id_of(line.field(2));
  std::string user;
  if (client_pid && request) user = shared_.logins.take(line.field(3), *client_pid, *request, monotonic_now());
  if (user.empty()) return send(AuthLine("FAIL").add(id));
  auto data = shared_.authenticator.login_data(user);
  if (!data) {
    log::error("{}", data.error().what);
    return send(AuthLine("FAIL").add(id));
  }
  AuthLine answer("USER");
  answer.add(id).add(data->user).add("uid", std::to_string(data->uid)).add("gid", std::to_string(data->gid));
  if (!data->home.empty()) answer.add("home", data->home);
  if (!data->mail.empty()) answer.add("mail", data->mail);
  send(answer);
}

}  // namespace umaya::authd
