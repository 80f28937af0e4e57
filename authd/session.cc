#include "authd/session.h"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>

#include "authd/master_requests.h"
#include "libcommon/auth/mechanism_list.h"
#include "libcommon/base/random.h"
#include "libcommon/base/strings.h"
#include "libcommon/log/log.h"

namespace umaya::authd {

using auth::AuthLine;
using auth::AuthStatus;

namespace {

constexpr size_t kShownUser = 80;  // octets of a name in the log
constexpr size_t kMostSealed = auth::kMostAuthLine / 2;
/// Postfix waits ten seconds for an answer, and takes more for trouble of ours.
constexpr Duration kPostfixPatience = std::chrono::seconds(8);

std::string ticket_key(std::string_view cookie, uint32_t client_pid, uint32_t request) {
  return std::string(cookie) + ' ' + std::to_string(client_pid) + ' ' + std::to_string(request);
}

std::optional<uint32_t> id_of(std::string_view text) {
  auto id = parse_uint(text);
  if (!id || *id > UINT32_MAX) return std::nullopt;
  return static_cast<uint32_t>(*id);
}

/// The value of a field behind the mechanism.
std::string value_of(const AuthLine& line, std::string_view name) {
  return std::string(line.value(name, 2).value_or(""));
}

/// "TYPE:BASE64" of umaya_binding.
auth::ChannelBinding read_binding(std::string_view text) {
  size_t colon = text.find(':');
  auto data = colon == std::string_view::npos ? std::nullopt : base64_decode(text.substr(colon + 1));
  if (!data || data->empty()) return {};
  return {std::string(text.substr(0, colon)), std::move(*data)};
}

Request read_request(const AuthLine& line) {
  Request request;
  request.origin.service = line.has("service") ? value_of(line, "service") : value_of(line, "protocol");
  request.origin.remote = value_of(line, "rip");
  if (line.value("valid-client-cert", 2)) request.cert_user = value_of(line, "cert_username");
  request.binding = read_binding(value_of(line, "umaya_binding"));
  return request;
}

}  // namespace

Secret random_seal_key() {
  std::string key(auth::LoginSeal::kKeySize, '\0');
  random_bytes(key);
  return Secret(std::move(key));
}

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

/// One SASL exchange, the client's side of it seen from the mechanism.
class Session::Exchange : public Conversation {
 public:
  Exchange(Session* session, uint32_t number, const auth::MechanismInfo* m)
      : id(number), mechanism(m), session_(session) {}

  event::Task<std::optional<Secret>> ask(std::string challenge) override {
    session_->send(AuthLine("CONT").add(std::to_string(id)).add(base64_encode(challenge)));
    co_return co_await NextAnswer(*this);
  }
  /// The client's answer; nothing: it has given up. false when none was asked for. The exchange goes on at once, and
  /// may be gone afterwards.
  bool take(std::optional<Secret> message) {
    if (!waiter_) return false;
    answer_ = std::move(message);
    resume();
    return true;
  }

  const uint32_t id;
  const auth::MechanismInfo* const mechanism;
  Request request;
  TimePoint start = monotonic_now();
  bool keep = false;
  bool seal = false;         ///< umaya_seal
  bool final_in_ok = false;  ///< final-resp-ok
  bool bad_base64 = false;   ///< the last answer was none
  bool cancelled = false;

 private:
  class NextAnswer {
   public:
    explicit NextAnswer(Exchange& exchange) : exchange_(exchange) {}
    bool await_ready() const { return false; }
    void await_suspend(std::coroutine_handle<> waiter) {
      exchange_.waiter_ = waiter;
      exchange_.limit_.arm(kAnswerLimit);
    }
    std::optional<Secret> await_resume() { return std::exchange(exchange_.answer_, std::nullopt); }

   private:
    Exchange& exchange_;
  };
  void resume() {
    limit_.cancel();
    std::exchange(waiter_, {}).resume();
  }

  Session* session_;
  std::optional<Secret> answer_;
  std::coroutine_handle<> waiter_;
  event::Timer limit_{[this] {
    if (waiter_) resume();
  }};
};

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
  std::string text = "VERSION\t1\t3\n";
  (void)shared_.authenticator.refresh();
  for (const auth::MechanismInfo* mechanism :
       auth::offered_mechanisms(shared_.params.mechanisms, shared_.authenticator.uses())) {
    text += mechanism->binds_channel ? "MECH-CBIND\t" : "MECH\t";
    text += mechanism->name;
    if (!mechanism->properties.empty()) (text += '\t') += mechanism->properties;
    text += '\n';
  }
  text += "UMAYA\tbinding\tseal\nSPID\t" + std::to_string(getpid()) + "\nCUID\t" +
          std::to_string(shared_.next_connection++) + "\nCOOKIE\t" + cookie_ + "\nDONE\n";
  stream_.write(text);
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

void Session::close_if_idle() {
  if (requests_.size() == 0) ::shutdown(stream_.fd(), SHUT_RD);
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
  if (trust_ != Trust::client && is_master_request(line)) {
    if (requests_.size() >= kMostRequests) return Protocol::broken;
    requests_.spawn(serve_master(line));
    return Protocol::kept;
  }
  if (!greeted_) return Protocol::broken;
  if (line.verb() == "AUTH") return start(line);
  if (line.verb() == "CONT") return go_on(line);
  if (line.verb() == "CANCEL") {
    cancel(line);
    return Protocol::kept;
  }
  log::warning("client {} sent \"{}\", which is no request: closing", client_pid_,
               printable(line.verb().substr(0, 40)));
  return Protocol::broken;
}

Session::Protocol Session::start(AuthLine& line) {
  auto id = id_of(line.field(0));
  const auth::MechanismInfo* mechanism = auth::find_mechanism(to_upper(line.field(1)));
  if (!id || exchanges_.contains(*id) || mechanism == nullptr) return Protocol::broken;
  if (exchanges_.size() >= kMostRequests) {
    fail(*id, "", "temp_fail");
    return Protocol::kept;
  }
  auto now = auth::offered_mechanisms(shared_.params.mechanisms, shared_.authenticator.uses());
  if (std::find(now.begin(), now.end(), mechanism) == now.end()) {
    fail(*id, "", "");  // offered a while ago, perhaps; the passwords have changed since
    return Protocol::kept;
  }
  auto exchange = std::make_unique<Exchange>(this, *id, mechanism);
  exchange->keep = !line.has("nologin");
  exchange->seal = exchange->keep && line.value("umaya_seal", 2);
  exchange->final_in_ok = line.has("final-resp-ok");
  exchange->request = read_request(line);
  // Exim sends an empty one where its client gave none; an empty initial response is "=".
  if (auto response = line.value("resp", 2); response && !response->empty()) {
    auto message = *response == "=" ? std::string() : base64_decode(*response);
    if (!message) {
      fail(*id, "", "invalid_base64");
      return Protocol::kept;
    }
    exchange->request.initial.emplace(std::move(*message));
  }
  exchanges_[*id] = exchange.get();
  requests_.spawn(converse(std::move(exchange)));
  return Protocol::kept;
}

Session::Protocol Session::go_on(AuthLine& line) {
  auto id = id_of(line.field(0));
  if (!id) return Protocol::broken;
  auto exchange = exchanges_.find(*id);
  if (exchange == exchanges_.end()) {
    fail(*id, "", "");
    return Protocol::kept;
  }
  auto message = base64_decode(line.field(1));
  if (!message) exchange->second->bad_base64 = true;
  std::optional<Secret> answer;
  if (message) answer.emplace(std::move(*message));
  // One that nobody asked for, while a password is being looked at, breaks the protocol.
  return exchange->second->take(std::move(answer)) ? Protocol::kept : Protocol::broken;
}

void Session::cancel(const AuthLine& line) {
  auto id = id_of(line.field(0));
  auto exchange = id ? exchanges_.find(*id) : exchanges_.end();
  if (exchange == exchanges_.end()) return;
  exchange->second->cancelled = true;
  (void)exchange->second->take(std::nullopt);
}

event::Task<void> Session::converse(std::unique_ptr<Exchange> exchange) {
  Outcome outcome =
      co_await run_mechanism(exchange->mechanism->name, exchange.get(), &exchange->request, &shared_.authenticator);
  bool proves = outcome.verdict.status == AuthStatus::ok && !outcome.last_word.empty();
  if (!outcome.gave_up && proves && !exchange->final_in_ok) {
    auto empty = co_await exchange->ask(outcome.last_word);
    if (!empty) outcome.gave_up = true;
  }
  co_await answer(exchange.get(), std::move(outcome));
  exchanges_.erase(exchange->id);
}

event::Task<void> Session::answer(Exchange* exchange, Outcome outcome) {
  const Verdict& verdict = outcome.verdict;
  if (exchange->cancelled) co_return;
  if (outcome.gave_up) {
    fail(exchange->id, "", exchange->bad_base64 ? "invalid_base64" : "");
    co_return;
  }
  std::string shown = printable(verdict.user.substr(0, kShownUser), true);
  std::string remote = printable(exchange->request.origin.remote);
  if (verdict.status == AuthStatus::ok) {
    std::string sealed;
    if (exchange->seal) sealed = co_await seal(exchange->id, verdict.user);
    if (exchange->cancelled) co_return;
    if (exchange->keep && sealed.empty()) {
      shared_.logins.keep(cookie_, client_pid_, exchange->id, verdict.user, monotonic_now());
    }
    AuthLine line("OK");
    line.add(std::to_string(exchange->id)).add("user", verdict.user);
    if (!sealed.empty()) line.add("umaya_sealed", sealed);
    if (exchange->final_in_ok && !outcome.last_word.empty()) line.add("resp", base64_encode(outcome.last_word));
    send(line);
    co_return;
  }
  if (verdict.status == AuthStatus::temporary) {
    log::warning("user={}, rip={}: temporary failure: {}", shown, remote, verdict.reason);
    fail(exchange->id, verdict.user, "temp_fail");
    co_return;
  }
  log::info("user={}, rip={}, method={}: {}", shown, remote, exchange->mechanism->name, verdict.reason);
  // Counted from the start, so that the time tells nothing of what was found wrong.
  Duration hold = client_minor_ == 0 ? std::min(verdict.hold, kPostfixPatience) : verdict.hold;
  co_await event::sleep(exchange->start + hold - monotonic_now());
  if (!exchange->cancelled) fail(exchange->id, verdict.user, outcome.code);
}

/// Empty when the user's data are too long for the line or not to be had: REQUEST tells them, or why not.
event::Task<std::string> Session::seal(uint32_t request, std::string user) {
  auto data = co_await shared_.authenticator.login_data(std::move(user));
  if (!data || !data->has_value()) co_return std::string();
  std::string sealed = shared_.seal.close({client_pid_, request, cookie_, {}}, **data, monotonic_now());
  co_return sealed.size() > kMostSealed ? std::string() : std::move(sealed);
}

event::Task<void> Session::serve_master(AuthLine line) {
  std::string text = co_await answer_master(&line, &shared_, trust_);
  stream_.write(text);
  stream_.flush_now();
}

void Session::fail(uint32_t id, const std::string& user, std::string_view code) {
  if (code == "temp_fail" && client_minor_ == 0) {
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

}  // namespace umaya::authd
