#include "libcommon/auth/auth_client.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>

#include "libcommon/auth/sasl.h"
#include "libcommon/base/strings.h"
#include "libcommon/event/listener.h"
#include "libcommon/net/address.h"

namespace umaya::auth {

namespace {

using namespace std::chrono_literals;

constexpr Duration kHandshakeLimit = 10s;
constexpr Duration kReplyLimit = 60s;  // failures are held back on purpose, slow hashes queue
constexpr size_t kMostIdle = 16;
constexpr size_t kMostMechanisms = 64;
constexpr std::string_view kVersionLine = "VERSION\t1\t3\n";  // 3: mechanisms with channel binding are understood

std::string_view without_end(std::string_view line) {
  while (line.ends_with('\n') || line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

AuthReply temporary_reply(std::string reason) {
  return {AuthStatus::temporary, {}, std::move(reason), {}};
}

AuthClient::Step ended(AuthReply reply) {
  AuthClient::Step step;
  step.reply = std::move(reply);
  return step;
}

}  // namespace

struct AuthClient::Connection {
  explicit Connection(Fd fd) : stream(std::move(fd)) {}
  /// Whether the server has closed its side.
  bool is_dead() const {
    char byte;
    ssize_t n = recv(stream.fd(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    return n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR);
  }
  event::Stream stream;
  std::string cookie;
  std::vector<Mechanism> mechanisms;
  // Our own extensions: the channel binding comes with AUTH, the user's data with OK.
  bool takes_binding = false, seals = false;
};

AuthClient::Exchange::Exchange(std::unique_ptr<Connection> connection, uint32_t id)
    : connection_(std::move(connection)), id_(id) {}

AuthClient::Exchange::~Exchange() = default;
AuthClient::~AuthClient() = default;
AuthClient::AuthClient(std::string socket_path) : path_(std::move(socket_path)) {}

Mechanism parse_mechanism(const AuthLine& line) {
  Mechanism mechanism;
  mechanism.name = to_upper(line.field(0));
  mechanism.plaintext = line.has("plaintext");
  mechanism.anonymous = line.has("anonymous");
  mechanism.dictionary = line.has("dictionary");
  mechanism.active = line.has("active");
  mechanism.forward_secrecy = line.has("forward-secrecy");
  mechanism.mutual_auth = line.has("mutual-auth");
  mechanism.is_private = line.has("private");
  mechanism.channel_binding = line.verb() == "MECH-CBIND" || line.has("channel-binding");
  return mechanism;
}

event::Task<Result<Fd>> AuthClient::connect() {
  constexpr std::string_view kInet = "inet:", kThisHost = "localhost:";
  if (!path_.starts_with(kInet)) co_return event::connect_unix(path_, SOCK_STREAM);
  std::string where = path_.substr(kInet.size());
  if (where.starts_with(kThisHost)) where.replace(0, kThisHost.size(), "127.0.0.1:");
  auto endpoint = net::Endpoint::parse(where);
  if (!endpoint || endpoint->port == 0) co_return permanent(path_ + ": use inet:address:port with numbers");
  event::PeerAddress address;
  address.size = endpoint->to_sockaddr(address.storage);
  auto fd = co_await event::connect_to(address, kHandshakeLimit);
  if (!fd) fd.error().what = path_ + ": " + fd.error().what;
  co_return fd;
}

event::Task<Result<std::unique_ptr<AuthClient::Connection>>> AuthClient::open() {
  auto fd = co_await connect();
  if (!fd) co_return std::unexpected(fd.error());
  auto connection = std::make_unique<Connection>(std::move(*fd));
  connection->stream.set_timeout(kHandshakeLimit);
  connection->stream.write(std::string(kVersionLine) + "CPID\t" + std::to_string(getpid()) + "\n");
  UMAYA_CO_CHECK(co_await connection->stream.flush());
  while (true) {
    event::Read read = co_await connection->stream.read_line(kMostAuthLine);
    if (!read) co_return temporary(path_ + ": the authentication server closed during the greeting");
    AuthLine line = AuthLine::parse(without_end(read.data));
    if (line.verb() == "VERSION" && line.field(0) != "1") co_return temporary(path_ + ": another protocol version");
    bool offer = line.verb() == "MECH" || line.verb() == "MECH-CBIND";
    if (offer && connection->mechanisms.size() < kMostMechanisms) {
      connection->mechanisms.push_back(parse_mechanism(line));
    }
    if (line.verb() == "UMAYA") {
      connection->takes_binding = line.has("binding");
      connection->seals = line.has("seal");
    }
    if (line.verb() == "COOKIE") connection->cookie = line.field(0);
    if (line.verb() == "DONE") break;
  }
  connection->stream.set_timeout(kReplyLimit);
  mechanisms_ = connection->mechanisms;
  co_return connection;
}

std::unique_ptr<AuthClient::Connection> AuthClient::take_idle() {
  while (!idle_.empty()) {
    std::unique_ptr<Connection> connection = std::move(idle_.back());
    idle_.pop_back();
    if (!connection->is_dead()) return connection;
  }
  return nullptr;
}

void AuthClient::put_back(std::unique_ptr<Connection> connection) {
  if (connection && idle_.size() < kMostIdle) idle_.push_back(std::move(connection));
}

event::Task<Result<std::vector<Mechanism>>> AuthClient::mechanisms() {
  if (auto connection = take_idle()) {
    put_back(std::move(connection));
    co_return mechanisms_;
  }
  auto opened = co_await open();
  if (!opened) co_return std::unexpected(opened.error());
  put_back(std::move(*opened));
  co_return mechanisms_;
}

event::Task<AuthClient::Attempt> AuthClient::ask(Exchange* exchange, std::string request, Step* step) {
  event::Stream& stream = exchange->connection_->stream;
  stream.write(request);
  explicit_bzero(request.data(), request.size());
  auto sent = co_await stream.flush();
  if (!sent) co_return Attempt::lost;
  while (true) {
    event::Read read = co_await stream.read_line(kMostAuthLine);
    if (read.status == event::ReadStatus::timed_out) {
      *step = ended(temporary_reply("the authentication server does not answer"));
      exchange->connection_.reset();
      co_return Attempt::answered;
    }
    if (!read) co_return Attempt::lost;
    AuthLine line = AuthLine::parse(without_end(read.data));
    if (line.field(0) != std::to_string(exchange->id_)) continue;  // of an exchange that was given up
    *step = parse_step(line);
    if (line.verb() == "OK") {
      step->reply.ticket = {static_cast<uint32_t>(getpid()), exchange->id_, exchange->connection_->cookie,
                            std::string(line.value("umaya_sealed", 1).value_or(""))};
    }
    if (step->kind == Step::Kind::done) put_back(std::move(exchange->connection_));
    co_return Attempt::answered;
  }
}

AuthClient::Step AuthClient::parse_step(const AuthLine& line) {
  Step step;
  if (line.verb() == "CONT") {
    auto challenge = base64_decode(line.field(1));
    if (!challenge) return ended(temporary_reply("the authentication server's challenge is no base64"));
    step.kind = Step::Kind::challenge;
    step.challenge = std::move(*challenge);
    return step;
  }
  AuthReply& reply = step.reply;
  reply.user = line.value("user").value_or("");
  if (line.verb() == "OK") {
    reply.status = AuthStatus::ok;
    return step;
  }
  if (line.verb() != "FAIL") {
    return ended(temporary_reply("the authentication server answered \"" + printable(line.verb()) + "\""));
  }
  reply.code = line.value("code").value_or("");
  bool temp = line.has("temp") || reply.code == "temp_fail";
  reply.status = temp ? AuthStatus::temporary : AuthStatus::failed;
  reply.reason = line.value("reason").value_or(temp ? "temporary trouble of the authentication server" : "");
  return step;
}

namespace {

/// The AUTH line; resp= must be its last field.
std::string auth_request(uint32_t id, const std::string& mechanism, const std::optional<std::string>& initial,
                         const AuthContext& context) {
  AuthLine line("AUTH");
  line.add(std::to_string(id)).add(mechanism).add("service", context.service);
  if (!context.keep) line.add("nologin");
  if (!context.local.empty()) line.add("lip", context.local);
  if (!context.remote.empty()) line.add("rip", context.remote);
  if (context.local_port != 0) line.add("lport", std::to_string(context.local_port));
  if (context.remote_port != 0) line.add("rport", std::to_string(context.remote_port));
  if (context.secured) line.add("secured");
  if (!context.cert_username.empty()) line.add("valid-client-cert").add("cert_username", context.cert_username);
  if (context.keep && context.seal) line.add("umaya_seal");
  if (!context.channel_binding_type.empty()) {
    line.add("umaya_binding", context.channel_binding_type + ":" + base64_encode(context.channel_binding_data));
  }
  if (initial) line.add("resp", initial->empty() ? "=" : base64_encode(*initial));
  std::string text = line.text();
  line.wipe();
  return text;
}

bool offers(const std::vector<Mechanism>& mechanisms, const std::string& name) {
  return std::any_of(mechanisms.begin(), mechanisms.end(), [&](const Mechanism& m) { return m.name == name; });
}

}  // namespace

event::Task<AuthClient::Step> AuthClient::begin(std::unique_ptr<Exchange>* exchange, std::string mechanism,
                                                std::optional<std::string> initial, AuthContext context) {
  Step step = ended(temporary_reply(path_ + ": the authentication server closed the connection"));
  mechanism = to_upper(mechanism);
  for (int attempt = 0; attempt < 2; ++attempt) {
    std::unique_ptr<Connection> connection = take_idle();
    bool kept = connection != nullptr;
    if (!kept) {
      auto opened = co_await open();
      if (!opened) {
        step = ended(temporary_reply(opened.error().what));
        break;
      }
      connection = std::move(*opened);
    }
    if (!offers(connection->mechanisms, mechanism)) {
      put_back(std::move(connection));
      step = ended({AuthStatus::failed, {}, "the authentication server does not offer " + mechanism, {}});
      step.reply.code = "auth_mech_invalid";
      break;
    }
    AuthContext told = context;
    if (!connection->takes_binding) told.channel_binding_type.clear();
    told.seal = context.seal && connection->seals;
    *exchange = std::unique_ptr<Exchange>(new Exchange(std::move(connection), next_id_++));
    std::string text = auth_request((*exchange)->id_, mechanism, initial, told);
    Attempt result = co_await ask(exchange->get(), std::move(text), &step);
    if (result == Attempt::answered || !kept) break;
    idle_.clear();  // the server was started anew: its other connections are dead too
  }
  if (initial) explicit_bzero(initial->data(), initial->size());
  co_return step;
}

event::Task<AuthClient::Step> AuthClient::go_on(Exchange* exchange, std::string response) {
  Step step = ended(temporary_reply(path_ + ": the authentication server closed the connection"));
  if (!exchange->connection_) co_return step;
  AuthLine line("CONT");
  line.add(std::to_string(exchange->id_)).add(base64_encode(response));
  explicit_bzero(response.data(), response.size());
  std::string text = line.text();
  line.wipe();
  Attempt result = co_await ask(exchange, std::move(text), &step);
  if (result == Attempt::lost) exchange->connection_.reset();
  co_return step;
}

void AuthClient::cancel(Exchange& exchange) {
  if (!exchange.connection_) return;
  exchange.connection_->stream.write("CANCEL\t" + std::to_string(exchange.id_) + "\n");
  exchange.connection_->stream.flush_now();
  put_back(std::move(exchange.connection_));
}

event::Task<AuthReply> AuthClient::check_plain(std::string user, Secret password, AuthContext context) {
  std::optional<std::string> message = make_sasl_plain(user, password.reveal());
  std::unique_ptr<Exchange> exchange;
  Step step = co_await begin(&exchange, "PLAIN", std::move(message), std::move(context));
  if (step.kind == Step::Kind::challenge) co_return temporary_reply("the authentication server asks on after PLAIN");
  if (step.reply.code == "auth_mech_invalid") step.reply.status = AuthStatus::temporary;  // its setting, not the user
  co_return std::move(step.reply);
}

AuthLine user_line(std::string_view id, const LoginData& data) {
  AuthLine line("USER");
  line.add(id).add(data.user).add("uid", std::to_string(data.uid)).add("gid", std::to_string(data.gid));
  if (!data.home.empty()) line.add("home", data.home);
  if (!data.mail.empty()) line.add("mail", data.mail);
  for (const std::string& field : data.more) line.add(field);
  return line;
}

Result<LoginData> parse_login_data(const AuthLine& line) {
  if (line.verb() == "NOTFOUND") return permanent("there is no such user");
  if (line.verb() == "FAIL") {
    std::string reason(line.value("reason").value_or("the authentication server knows no such log-in any more"));
    return temporary(std::move(reason));
  }
  auto number = [&](std::string_view name) { return parse_uint(line.value(name, 2).value_or("")); };
  auto uid = number("uid");
  auto gid = number("gid");
  if (line.verb() != "USER" || !uid || !gid || *uid >= UINT32_MAX || *gid >= UINT32_MAX || line.field(1).empty()) {
    return temporary("the authentication server's data of the user are malformed");
  }
  LoginData data;
  data.user = line.field(1);
  data.uid = static_cast<uint32_t>(*uid);
  data.gid = static_cast<uint32_t>(*gid);
  data.home = line.value("home", 2).value_or("");
  data.mail = line.value("mail", 2).value_or("");
  for (size_t i = 2; i < line.fields(); ++i) {
    std::string_view field = line.field(i);
    std::string_view name = field.substr(0, field.find('='));
    if (name != "uid" && name != "gid" && name != "home" && name != "mail") data.more.emplace_back(field);
  }
  return data;
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

namespace {

/// One conversation with the server as a master.
class MasterTalk {
 public:
  static Result<MasterTalk> open(const std::string& path, const AuthLine& request, Duration limit) {
    UMAYA_TRY(Fd fd, event::connect_unix(path, SOCK_STREAM));
    std::string text = std::string(kVersionLine) + request.text();
    if (send(fd.get(), text.data(), text.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(text.size())) {
      return sys_error(path);
    }
    return MasterTalk(std::move(fd), monotonic_now() + limit);
  }
  /// The next line that is an answer: not one of the greeting.
  Result<AuthLine> answer() {
    static constexpr std::string_view kAnswers[] = {"USER", "LIST", "FAIL", "NOTFOUND", "DONE"};
    while (true) {
      UMAYA_TRY(std::string raw, blocking_line(fd_.get(), buffer_, until_));
      AuthLine line = AuthLine::parse(raw);
      bool of_greeting = line.verb() == "DONE" && line.fields() == 0;
      if (!of_greeting && std::find(std::begin(kAnswers), std::end(kAnswers), line.verb()) != std::end(kAnswers)) {
        return line;
      }
    }
  }

 private:
  MasterTalk(Fd fd, TimePoint until) : fd_(std::move(fd)), until_(until) {}
  Fd fd_;
  TimePoint until_;
  std::string buffer_;
};

}  // namespace

Result<LoginData> look_up_user(const std::string& socket_path, std::string_view user, Duration limit) {
  AuthLine request("USER");
  request.add("1").add(user).add("service", "lookup");
  UMAYA_TRY(MasterTalk talk, MasterTalk::open(socket_path, request, limit));
  UMAYA_TRY(AuthLine line, talk.answer());
  return parse_login_data(line);
}

Result<std::vector<std::string>> list_users(const std::string& socket_path, Duration limit) {
  UMAYA_TRY(MasterTalk talk, MasterTalk::open(socket_path, AuthLine("LIST").add("1"), limit));
  std::vector<std::string> names;
  while (true) {
    UMAYA_TRY(AuthLine line, talk.answer());
    if (line.verb() == "DONE") return names;
    if (line.verb() != "LIST") return temporary(std::string(line.value("reason").value_or("users cannot be listed")));
    names.emplace_back(line.field(1));
  }
}

}  // namespace umaya::auth
