// pgsql: PostgreSQL, by libpq's asynchronous calls, so that every wait has a limit.
#include <libpq-fe.h>
#include <poll.h>

#include <algorithm>
#include <array>

#include "libcommon/base/secret.h"
#include "libcommon/base/strings.h"
#include "libcommon/databases/engine.h"

namespace umaya::databases {
namespace {

struct CloseConnection {
  void operator()(PGconn* connection) const { PQfinish(connection); }
};
struct FreeResult {
  void operator()(PGresult* result) const { PQclear(result); }
};
using ConnPtr = std::unique_ptr<PGconn, CloseConnection>;
using ResultPtr = std::unique_ptr<PGresult, FreeResult>;

/// Waits for the socket; false when the limit is over.
bool wait_for(PGconn* connection, short events, const Deadline& deadline) {
  pollfd watched{PQsocket(connection), events, 0};
  for (;;) {
    int ready = ::poll(&watched, 1, deadline.milliseconds_left());
    if (ready > 0) return true;
    if (ready == 0 || errno != EINTR) return false;
  }
}

/// The first line of a message of libpq.
std::string first_line(const char* message) {
  std::string_view text = trim(message != nullptr ? message : "");
  std::string_view line = text.substr(0, text.find('\n'));
  return line.empty() ? "unknown error" : printable(line, true);
}

class PgsqlEngine : public Engine {
 public:
  Result<std::unique_ptr<Connection>> connect(const Host& host) const override;
  Template query;
  std::string user, database, encoding;
  Secret password;

 private:
  PGconn* start(const Host& host) const;
};

class PgsqlConnection : public Connection {
 public:
  PgsqlConnection(const PgsqlEngine& engine, ConnPtr connection)
      : engine_(engine), connection_(std::move(connection)) {}
  Attempt ask(const std::string& key) override;

 private:
  bool quote(std::string_view value, Place place, std::string& out) const;
  Attempt exchange(const std::string& query, const std::string& key);
  /// Sends what is left and waits for the next result; Verdict::answered with nothing means that there are no more.
  Verdict next_result(const Deadline& deadline, ResultPtr& result);
  Attempt judge(PGresult* result, const std::string& key);
  Attempt ended(Verdict verdict);

  const PgsqlEngine& engine_;
  ConnPtr connection_;
};

bool PgsqlConnection::quote(std::string_view value, Place place, std::string& out) const {
  if (place != Place::quoted) {
    if (!is_safe_in(value, place)) return false;
    out += value;
    return true;
  }
  std::string escaped(2 * value.size() + 1, '\0');
  int error = 0;
  escaped.resize(PQescapeStringConn(connection_.get(), escaped.data(), value.data(), value.size(), &error));
  out += escaped;
  return error == 0;
}

Attempt PgsqlConnection::ask(const std::string& key) {
  SplitKey split(key);
  std::string text;
  auto escape = [this](std::string_view value, Place place, std::string& out) { return quote(value, place, out); };
  if (!engine_.query.fill(split, split, escape, text)) return {};
  return exchange(text, key);
}

Attempt PgsqlConnection::exchange(const std::string& query, const std::string& key) {
  Deadline deadline(kQueryLimit);
  if (PQsendQuery(connection_.get(), query.c_str()) == 0) return ended(Verdict::lost);
  Attempt attempt = failed_attempt(Verdict::refused, "the query has no result");
  for (;;) {
    ResultPtr result;
    Verdict verdict = next_result(deadline, result);
    if (verdict != Verdict::answered) return ended(verdict);
    if (!result) return attempt;
    attempt = judge(result.get(), key);
    if (attempt.verdict == Verdict::lost) return attempt;
  }
}

Verdict PgsqlConnection::next_result(const Deadline& deadline, ResultPtr& result) {
  for (int left = 1; left != 0;) {
    left = PQflush(connection_.get());
    if (left < 0) return Verdict::lost;
    if (left > 0 && !wait_for(connection_.get(), POLLIN | POLLOUT, deadline)) return Verdict::silent;
    if (left > 0 && PQconsumeInput(connection_.get()) == 0) return Verdict::lost;
  }
  while (PQisBusy(connection_.get()) != 0) {
    if (!wait_for(connection_.get(), POLLIN, deadline)) return Verdict::silent;
    if (PQconsumeInput(connection_.get()) == 0) return Verdict::lost;
  }
  result.reset(PQgetResult(connection_.get()));
  return Verdict::answered;
}

Attempt PgsqlConnection::judge(PGresult* result, const std::string& key) {
  ExecStatusType status = PQresultStatus(result);
  if (status == PGRES_COMMAND_OK) return {};
  if (status != PGRES_TUPLES_OK) {
    const char* primary = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    const char* state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    // 57P: the server ends. COPY would leave the connection in a mode of its own.
    bool is_end = PQstatus(connection_.get()) != CONNECTION_OK || (state && std::string_view(state).starts_with("57P"));
    bool is_copy = status == PGRES_COPY_IN || status == PGRES_COPY_OUT || status == PGRES_COPY_BOTH;
    std::string what = is_copy ? "the query starts COPY" : first_line(primary ? primary : PQresultErrorMessage(result));
    return failed_attempt(is_end || is_copy ? Verdict::lost : Verdict::refused, what);
  }
  ResultList results(engine_.plan, key);
  for (int row = 0; row < PQntuples(result) && !results.failed(); ++row) {
    for (int column = 0; column < PQnfields(result); ++column) {
      std::string_view value(PQgetvalue(result, row, column), static_cast<size_t>(PQgetlength(result, row, column)));
      if (!results.add(value)) break;
    }
  }
  return {Verdict::answered, results.finish(), results.saw_empty()};
}

Attempt PgsqlConnection::ended(Verdict verdict) {
  return failed_attempt(
      verdict, verdict == Verdict::silent ? "no answer in time" : first_line(PQerrorMessage(connection_.get())));
}

PGconn* PgsqlEngine::start(const Host& host) const {
  std::array<const char*, 8> names{}, values{};
  size_t count = 0;
  auto add = [&](const char* name, const char* value) {
    if (*value == '\0') return;
    names[count] = name;
    values[count++] = value;
  };
  std::string secret(password.reveal());
  bool is_uri = host.kind == Host::Kind::uri;
  add("dbname", is_uri ? host.name.c_str() : database.c_str());
  if (!is_uri) {
    add("host", host.name.c_str());
    add("port", host.port.c_str());
    add("user", user.c_str());
    add("password", secret.c_str());
  }
  add("client_encoding", encoding.c_str());
  add("fallback_application_name", "umaya");
  PGconn* connection = PQconnectStartParams(names.data(), values.data(), 1);
  explicit_bzero(secret.data(), secret.size());
  return connection;
}

Result<std::unique_ptr<Connection>> PgsqlEngine::connect(const Host& host) const {
  Deadline deadline(kConnectLimit);
  ConnPtr connection(start(host));
  if (!connection) return temporary("no memory");
  for (auto next = PGRES_POLLING_WRITING; next != PGRES_POLLING_OK; next = PQconnectPoll(connection.get())) {
    bool has_failed = next == PGRES_POLLING_FAILED || PQstatus(connection.get()) == CONNECTION_BAD;
    if (has_failed) {
      // What is said of a connection URI that cannot be read repeats it, with its password.
      bool is_unreadable = host.kind == Host::Kind::uri && PQsocket(connection.get()) < 0;
      std::string what = first_line(PQerrorMessage(connection.get()));
      if (is_unreadable && what.find("connection to server") == std::string::npos) what = "cannot read the URI";
      return temporary("connect: " + what);
    }
    short events = next == PGRES_POLLING_READING ? POLLIN : POLLOUT;
    if (!wait_for(connection.get(), events, deadline)) return temporary("connect: no answer in time");
  }
  (void)PQsetnonblocking(connection.get(), 1);
  PQsetNoticeProcessor(
      connection.get(), [](void*, const char*) {}, nullptr);
  return std::make_unique<PgsqlConnection>(*this, std::move(connection));
}

}  // namespace

Result<EnginePtr> make_pgsql(const Parameters& parameters) {
  auto engine = std::make_shared<PgsqlEngine>();
  UMAYA_TRY(engine->plan, LookupPlan::from(parameters));
  UMAYA_TRY(engine->query, sql_query(parameters, Syntax::pgsql));
  engine->plan.needs.add(engine->query.needs());
  engine->plan.needs.add(engine->query.key_needs());
  engine->hosts = parse_hosts(parameters.words("hosts"), HostStyle::pgsql);
  if (engine->hosts.empty()) engine->hosts = parse_hosts({"localhost"}, HostStyle::pgsql);
  bool has_plain_host = std::any_of(engine->hosts.begin(), engine->hosts.end(),
                                    [](const Host& host) { return host.kind != Host::Kind::uri; });
  engine->database = parameters.text("dbname");
  if (has_plain_host) {
    UMAYA_TRY(engine->database, parameters.required("dbname"));
  }
  engine->user = parameters.text("user");
  engine->password = Secret(parameters.text("password"));
  engine->encoding = parameters.text("encoding", "UTF8");
  UMAYA_TRY(int64_t idle, parameters.number("idle_interval", 60, 1));
  UMAYA_TRY(int64_t retry, parameters.number("retry_interval", 60, 1));
  engine->idle_interval = std::chrono::seconds(idle);
  engine->retry_interval = std::chrono::seconds(retry);
  return engine;
}

}  // namespace umaya::databases
