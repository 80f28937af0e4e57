// mysql: MariaDB and MySQL, by calls that wait no longer than the limits of the library allow.
#include <errmsg.h>
#include <mysql.h>
#include <mysqld_error.h>

#include "libcommon/base/secret.h"
#include "libcommon/base/strings.h"
#include "libcommon/databases/engine.h"

namespace umaya::databases {
namespace {

struct CloseServer {
  void operator()(MYSQL* server) const { mysql_close(server); }
};
struct FreeRows {
  void operator()(MYSQL_RES* rows) const { mysql_free_result(rows); }
};
using ServerPtr = std::unique_ptr<MYSQL, CloseServer>;
using RowsPtr = std::unique_ptr<MYSQL_RES, FreeRows>;

struct TlsSettings {
  std::string key, certificate, authorities_file, authorities_directory, ciphers;
  bool verify = false;
  bool is_set() const {
    return verify || !(key + certificate + authorities_file + authorities_directory + ciphers).empty();
  }
};

std::string message_of(MYSQL* server) {
  return printable(mysql_error(server), true);
}

class MysqlEngine : public Engine {
 public:
  Result<std::unique_ptr<Connection>> connect(const Host& host) const override;
  Template query;
  std::string user, database, charset, option_file, option_group;
  Secret password;
  TlsSettings tls;
  bool needs_result_set = true;

 private:
  void set_options(MYSQL* server) const;
  Result<> check_mode(MYSQL* server) const;
};

class MysqlConnection : public Connection {
 public:
  MysqlConnection(const MysqlEngine& engine, ServerPtr server) : engine_(engine), server_(std::move(server)) {}
  Attempt ask(const std::string& key) override;

 private:
  bool quote(std::string_view value, Place place, std::string& out) const;
  Attempt read_rows(MYSQL_RES* rows, const std::string& key);
  bool skip_other_results();
  Attempt failure(const Deadline& deadline);

  const MysqlEngine& engine_;
  ServerPtr server_;
};

bool MysqlConnection::quote(std::string_view value, Place place, std::string& out) const {
  if (place == Place::bare) {
    if (!is_safe_in(value, place)) return false;
    out += value;
    return true;
  }
  std::string escaped(2 * value.size() + 1, '\0');
  auto size = mysql_real_escape_string(server_.get(), escaped.data(), value.data(), value.size());
  if (size == static_cast<unsigned long>(-1)) return false;
  out.append(escaped, 0, size);
  return true;
}

Attempt MysqlConnection::ask(const std::string& key) {
  SplitKey split(key);
  std::string text;
  auto escape = [this](std::string_view value, Place place, std::string& out) { return quote(value, place, out); };
  if (!engine_.query.fill(split, split, escape, text)) return {};
  Deadline deadline(kQueryLimit);
  if (mysql_real_query(server_.get(), text.data(), text.size()) != 0) return failure(deadline);
  RowsPtr rows(mysql_store_result(server_.get()));
  if (!rows && mysql_errno(server_.get()) != 0) return failure(deadline);
  Attempt attempt;
  if (rows) {
    attempt = read_rows(rows.get(), key);
  } else if (engine_.needs_result_set) {
    attempt = failed_attempt(Verdict::refused, "the query has no result set (require_result_set)");
  }
  rows.reset();
  if (!skip_other_results()) return failed_attempt(Verdict::refused, "the query has more than one result set");
  if (mysql_errno(server_.get()) != 0) return failure(deadline);
  return attempt;
}

Attempt MysqlConnection::read_rows(MYSQL_RES* rows, const std::string& key) {
  ResultList results(engine_.plan, key);
  const unsigned columns = mysql_num_fields(rows);
  while (MYSQL_ROW row = mysql_fetch_row(rows)) {
    const unsigned long* sizes = mysql_fetch_lengths(rows);
    for (unsigned column = 0; column < columns; ++column) {
      if (row[column] == nullptr) continue;  // NULL
      if (!results.add({row[column], sizes[column]})) return {Verdict::answered, results.finish(), false};
    }
  }
  return {Verdict::answered, results.finish(), results.saw_empty()};
}

/// A procedure ends with a result that is no set. False: there was another set.
bool MysqlConnection::skip_other_results() {
  bool is_alone = true;
  while (mysql_next_result(server_.get()) == 0) {
    RowsPtr more(mysql_store_result(server_.get()));
    if (more) is_alone = false;
  }
  return is_alone;
}

Attempt MysqlConnection::failure(const Deadline& deadline) {
  unsigned code = mysql_errno(server_.get());
  bool is_end = (code >= CR_MIN_ERROR && code <= CR_MAX_ERROR) || code == ER_SERVER_SHUTDOWN ||
                code == ER_CONNECTION_KILLED || code == ER_NORMAL_SHUTDOWN;
  if (is_end && deadline.is_over()) return failed_attempt(Verdict::silent, "no answer in time");
  return failed_attempt(is_end ? Verdict::lost : Verdict::refused, message_of(server_.get()));
}

const char* or_null(const std::string& text) {
  return text.empty() ? nullptr : text.c_str();
}

void MysqlEngine::set_options(MYSQL* server) const {
  auto seconds = [](Duration limit) {
    return static_cast<unsigned>(std::chrono::duration_cast<std::chrono::seconds>(limit).count());
  };
  const unsigned connect_limit = seconds(kConnectLimit), query_limit = seconds(kQueryLimit);
  mysql_options(server, MYSQL_OPT_CONNECT_TIMEOUT, &connect_limit);
  mysql_options(server, MYSQL_OPT_READ_TIMEOUT, &query_limit);
  mysql_options(server, MYSQL_OPT_WRITE_TIMEOUT, &query_limit);
  if (!option_file.empty()) mysql_options(server, MYSQL_READ_DEFAULT_FILE, option_file.c_str());
  if (!option_group.empty()) mysql_options(server, MYSQL_READ_DEFAULT_GROUP, option_group.c_str());
  if (!charset.empty()) mysql_options(server, MYSQL_SET_CHARSET_NAME, charset.c_str());
  if (!tls.is_set()) return;
  mysql_ssl_set(server, or_null(tls.key), or_null(tls.certificate), or_null(tls.authorities_file),
                or_null(tls.authorities_directory), or_null(tls.ciphers));
  const my_bool yes = 1, verify = tls.verify ? 1 : 0;
  mysql_options(server, MYSQL_OPT_SSL_ENFORCE, &yes);
  mysql_options(server, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, &verify);
}

/// Where "…" is no text, or a backslash escapes nothing, the query does not mean what it says.
Result<> MysqlEngine::check_mode(MYSQL* server) const {
  if (!query.depends_on_mode()) return {};
  RowsPtr rows;
  if (mysql_query(server, "SELECT @@SESSION.sql_mode") == 0) rows.reset(mysql_store_result(server));
  MYSQL_ROW row = rows ? mysql_fetch_row(rows.get()) : nullptr;
  if (row == nullptr || row[0] == nullptr) return temporary("cannot read sql_mode: " + message_of(server));
  std::string_view mode = row[0];
  for (std::string_view bad : {"ANSI_QUOTES", "NO_BACKSLASH_ESCAPES"}) {
    if (mode.find(bad) == std::string_view::npos) continue;
    return temporary("the sql_mode of the server has " + std::string(bad) +
                     ": the query must have '%s', not \"%s\", and no backslash");
  }
  return {};
}

Result<std::unique_ptr<Connection>> MysqlEngine::connect(const Host& host) const {
  ServerPtr server(mysql_init(nullptr));
  if (!server) return temporary("no memory");
  set_options(server.get());
  bool is_local = host.kind == Host::Kind::local;
  auto port = static_cast<unsigned>(parse_uint(host.port).value_or(0));
  std::string secret(password.reveal());
  MYSQL* connected =
      mysql_real_connect(server.get(), is_local ? nullptr : host.name.c_str(), or_null(user), or_null(secret),
                         database.c_str(), port, is_local ? or_null(host.name) : nullptr, CLIENT_MULTI_RESULTS);
  explicit_bzero(secret.data(), secret.size());
  if (connected == nullptr) return temporary("connect: " + message_of(server.get()));
  UMAYA_CHECK(check_mode(server.get()));
  return std::make_unique<MysqlConnection>(*this, std::move(server));
}

Result<TlsSettings> read_tls(const Parameters& parameters) {
  TlsSettings tls;
  tls.key = parameters.text("tls_key_file");
  tls.certificate = parameters.text("tls_cert_file");
  tls.authorities_file = parameters.text("tls_CAfile");
  tls.authorities_directory = parameters.text("tls_CApath");
  tls.ciphers = parameters.text("tls_ciphers");
  UMAYA_TRY(tls.verify, parameters.flag("tls_verify_cert", false));
  return tls;
}

}  // namespace

Result<EnginePtr> make_mysql(const Parameters& parameters) {
  static const bool is_ready = mysql_server_init(0, nullptr, nullptr) == 0;  // before the first thread needs it
  if (!is_ready) return temporary("libmariadb cannot be initialised");
  auto engine = std::make_shared<MysqlEngine>();
  UMAYA_TRY(engine->plan, LookupPlan::from(parameters));
  UMAYA_TRY(engine->query, sql_query(parameters, Syntax::mysql));
  engine->plan.needs.add(engine->query.needs());
  engine->plan.needs.add(engine->query.key_needs());
  engine->hosts = parse_hosts(parameters.words("hosts"), HostStyle::mysql);
  if (engine->hosts.empty()) engine->hosts = parse_hosts({"localhost"}, HostStyle::mysql);
  UMAYA_TRY(engine->database, parameters.required("dbname"));
  engine->user = parameters.text("user");
  engine->password = Secret(parameters.text("password"));
  engine->charset = parameters.text("charset", "utf8mb4");
  engine->option_file = parameters.text("option_file");
  engine->option_group = parameters.text("option_group", "client");
  UMAYA_TRY(engine->tls, read_tls(parameters));
  UMAYA_TRY(engine->needs_result_set, parameters.flag("require_result_set", true));
  UMAYA_TRY(int64_t idle, parameters.number("idle_interval", 60, 1));
  UMAYA_TRY(int64_t retry, parameters.number("retry_interval", 60, 1));
  engine->idle_interval = std::chrono::seconds(idle);
  engine->retry_interval = std::chrono::seconds(retry);
  engine->files = {engine->option_file, engine->tls.key, engine->tls.certificate, engine->tls.authorities_file,
                   engine->tls.authorities_directory};
  return engine;
}

}  // namespace umaya::databases
