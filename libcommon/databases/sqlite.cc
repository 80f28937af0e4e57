// sqlite: a database in a file, opened for reading only.
#include <sqlite3.h>
#include <sys/stat.h>

#include <fstream>

#include "libcommon/databases/engine.h"
#include "libcommon/table/file_identity.h"

namespace umaya::databases {
namespace {

constexpr int kLockLimit = 5000;  // milliseconds
constexpr int kStepsBetweenLooks = 10'000;
constexpr size_t kConnections = 4;

struct CloseDatabase {
  void operator()(sqlite3* database) const { sqlite3_close_v2(database); }
};
struct EndStatement {
  void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
};
using DatabasePtr = std::unique_ptr<sqlite3, CloseDatabase>;
using StatementPtr = std::unique_ptr<sqlite3_stmt, EndStatement>;

bool quote(std::string_view value, Place place, std::string& out) {
  if (place != Place::quoted && !is_safe_in(value, place)) return false;
  for (char c : value) {
    if (c == '\'') out += '\'';
    out += c;
  }
  return true;
}

/// Which file stands at the path: a new one is often put in the place of the old.
struct FileNumber {
  dev_t device = 0;
  ino_t inode = 0;
  explicit FileNumber(const std::string& path) {
    struct stat st {};
    if (stat(path.c_str(), &st) == 0) device = st.st_dev, inode = st.st_ino;
  }
  bool operator==(const FileNumber&) const = default;
};

class SqliteEngine : public Engine {
 public:
  Result<std::unique_ptr<Connection>> connect(const Host& host) const override;
  std::string path;
  Template query;
};

class SqliteConnection : public Connection {
 public:
  SqliteConnection(const SqliteEngine& engine, DatabasePtr database)
      : engine_(engine), database_(std::move(database)), file_(engine.path) {}
  Attempt ask(const std::string& key) override;

 private:
  static int is_late(void* deadline) { return static_cast<const Deadline*>(deadline)->is_over() ? 1 : 0; }
  Attempt step(sqlite3_stmt* statement, const std::string& key);
  Attempt failure();

  const SqliteEngine& engine_;
  DatabasePtr database_;
  FileNumber file_;
};

Attempt SqliteConnection::ask(const std::string& key) {
  if (!(FileNumber(engine_.path) == file_)) return failed_attempt(Verdict::lost, "the file has been replaced");
  SplitKey split(key);
  std::string text;
  if (!engine_.query.fill(split, split, quote, text)) return {};
  Deadline deadline(kQueryLimit);
  sqlite3_progress_handler(database_.get(), kStepsBetweenLooks, is_late, &deadline);
  sqlite3_stmt* raw = nullptr;
  int status = sqlite3_prepare_v2(database_.get(), text.c_str(), static_cast<int>(text.size()), &raw, nullptr);
  StatementPtr statement(raw);
  Attempt attempt = status == SQLITE_OK ? step(raw, key) : failure();
  statement.reset();
  sqlite3_progress_handler(database_.get(), 0, nullptr, nullptr);
  return attempt;
}

Attempt SqliteConnection::step(sqlite3_stmt* statement, const std::string& key) {
  ResultList results(engine_.plan, key);
  if (statement == nullptr) return failed_attempt(Verdict::refused, "the query is empty");
  for (;;) {
    int status = sqlite3_step(statement);
    if (status == SQLITE_DONE) break;
    if (status != SQLITE_ROW) return failure();
    const auto* value = reinterpret_cast<const char*>(sqlite3_column_text(statement, 0));
    if (value == nullptr) continue;  // NULL
    if (!results.add({value, static_cast<size_t>(sqlite3_column_bytes(statement, 0))})) break;
  }
  return {Verdict::answered, results.finish(), results.saw_empty()};
}

Attempt SqliteConnection::failure() {
  int code = sqlite3_errcode(database_.get()) & 0xff;
  bool is_damaged = code == SQLITE_CORRUPT || code == SQLITE_NOTADB || code == SQLITE_IOERR || code == SQLITE_CANTOPEN;
  std::string what = code == SQLITE_INTERRUPT ? "no answer in time" : sqlite3_errmsg(database_.get());
  return failed_attempt(is_damaged ? Verdict::lost : Verdict::refused, what);
}

Result<std::unique_ptr<Connection>> SqliteEngine::connect(const Host&) const {
  sqlite3* raw = nullptr;
  int status = sqlite3_open_v2(path.c_str(), &raw, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, nullptr);
  DatabasePtr database(raw);
  if (status != SQLITE_OK) {
    return temporary(path + ": " + (raw != nullptr ? sqlite3_errmsg(raw) : sqlite3_errstr(status)));
  }
  sqlite3_busy_timeout(raw, kLockLimit);
  sqlite3_db_config(raw, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  return std::make_unique<SqliteConnection>(*this, std::move(database));
}

/// A database in WAL mode: readers, too, have to write beside it.
bool needs_shared_memory(const std::string& path) {
  constexpr std::streamoff kReadVersion = 19;
  std::ifstream file(path, std::ios::binary);
  char version = 0;
  return file.seekg(kReadVersion) && file.get(version) && version == 2;
}

}  // namespace

Result<EnginePtr> make_sqlite(const Parameters& parameters) {
  auto engine = std::make_shared<SqliteEngine>();
  UMAYA_TRY(engine->plan, LookupPlan::from(parameters));
  UMAYA_TRY(engine->path, parameters.required("dbpath"));
  UMAYA_TRY(engine->query, sql_query(parameters, Syntax::sqlite));
  engine->plan.needs.add(engine->query.needs());
  engine->plan.needs.add(engine->query.key_needs());
  engine->connections = kConnections;
  engine->retry_interval = {};
  Host file;
  file.kind = Host::Kind::local;
  file.shown = engine->path;
  engine->hosts.push_back(std::move(file));
  std::string directory = engine->path.substr(0, engine->path.rfind('/') + 1);
  engine->files.push_back(directory);
  if (needs_shared_memory(engine->path)) engine->directories.push_back(directory);
  return engine;
}

}  // namespace umaya::databases
