// NAME    engine - one kind of database: how to connect to it and how to ask it
//
// DESCRIPTION
//     Everything here runs on a thread of a pool and may block, but not longer than the limits. An Engine does not
//     change and is used by several threads at once; a Connection by one thread at a time.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "libcommon/base/clock.h"
#include "libcommon/databases/host_list.h"
#include "libcommon/databases/lookup_plan.h"

namespace umaya::databases {

inline constexpr Duration kConnectLimit = std::chrono::seconds(10);
inline constexpr Duration kQueryLimit = std::chrono::seconds(20);

/// How asking went.
enum class Verdict : unsigned char {
  answered,  ///< the database has the last word, also where it is an error that other hosts would have, too
  refused,   ///< this host cannot answer the question, the connection is as good as before
  lost,      ///< the connection has ended
  silent,    ///< no answer in time; the connection is of no use any more
};

struct Attempt {
  Verdict verdict = Verdict::answered;
  table::Lookup answer;
  bool saw_empty = false;  ///< a result was empty and was left out
};

class Connection {
 public:
  virtual ~Connection() = default;
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  virtual Attempt ask(const std::string& key) = 0;

 protected:
  Connection() = default;
};

class Engine {
 public:
  virtual ~Engine() = default;
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;
  virtual Result<std::unique_ptr<Connection>> connect(const Host& host) const = 0;

  LookupPlan plan;
  std::vector<Host> hosts;
  HostOrder order = HostOrder::random;
  size_t connections = 8;  ///< at most, to all hosts together
  Duration idle_interval = std::chrono::seconds(60);
  Duration retry_interval = std::chrono::seconds(60);
  std::vector<std::string> files;        ///< that connecting may read: certificates, option files, the database
  std::vector<std::string> directories;  ///< beneath which connecting has to write

 protected:
  Engine() = default;
};

using EnginePtr = std::shared_ptr<const Engine>;  // shared with threads, which may outlive the table

/// Each reads its own parameters.
Result<EnginePtr> make_sqlite(const Parameters& parameters);
Result<EnginePtr> make_pgsql(const Parameters& parameters);
Result<EnginePtr> make_mysql(const Parameters& parameters);
Result<EnginePtr> make_ldap(const Parameters& parameters);

/// An attempt that ended in an error.
inline Attempt failed_attempt(Verdict verdict, std::string what) {
  return {verdict, table::Lookup::failed(std::move(what)), false};
}

/// What is left of a limit, for poll(2).
class Deadline {
 public:
  explicit Deadline(Duration limit) : end_(monotonic_now() + limit) {}
  bool is_over() const { return monotonic_now() >= end_; }
  int milliseconds_left() const;

 private:
  TimePoint end_;
};

}  // namespace umaya::databases
