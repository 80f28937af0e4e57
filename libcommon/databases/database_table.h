// NAME    database_table - a table that asks a database: pooled connections, hosts that are down, time limits
//
// SYNOPSIS
//     auto table = std::make_unique<DatabaseTable>("pgsql:/etc/umaya/users.cf", options, engine);
//     table::Lookup answer = co_await table->lookup("user@example.com");
//
// DESCRIPTION
//     Each look-up takes a connection that is idle, or makes one, on a thread of the table's pool; the loop never
//     waits. A connection that was idle and turns out to have ended is replaced at once. A host that cannot be
//     connected to, or that ends a new connection or keeps silent, counts as down for retry_interval, and the next one
//     is asked. A host that refuses the question only lets the next one be asked.
//
//     Keys that are no UTF-8, or lack what the query needs, or are of no domain in the parameter domain, are not found.
//
// ERRORS
//     Temporary, with what the last host said.
//
// LIMITS
//     Engine::connections look-ups at once; others wait for at most 20 s, a look-up takes at most about a minute.
#pragma once

#include <list>
#include <memory>
#include <string>

#include "libcommon/databases/engine.h"
#include "libcommon/event/sync.h"
#include "libcommon/event/worker_pool.h"
#include "libcommon/table/match_list.h"

namespace umaya::databases {

class DatabaseTable : public table::Table {
 public:
  /// file: the .cf file, to see when it changes; may be empty.
  DatabaseTable(std::string name, const table::Options& options, EnginePtr engine, std::string file);
  ~DatabaseTable() override;
  std::optional<table::Lookup> lookup_now(std::string_view key) override;
  event::Task<table::Lookup> lookup(std::string key) override;
  bool changed() const override;

 private:
  using ConnectionPtr = std::unique_ptr<Connection>;
  struct Idle {
    ConnectionPtr connection;
    size_t host = 0;
    TimePoint since;
  };
  struct Turn {
    size_t host = 0;
    ConnectionPtr connection;  ///< empty: make one
  };
  struct Outcome {
    Attempt attempt;
    ConnectionPtr connection;  ///< that may be used again
  };

  bool may_be_asked(std::string_view key) const;
  event::Task<table::Match> is_in_domains(std::string_view domain);
  event::Task<table::Lookup> ask_hosts(std::string key);
  /// How it went with one host; nothing to say of it where the answer is final.
  bool note(size_t host, bool was_idle, const Attempt& attempt, std::vector<bool>& tried);
  std::optional<Turn> next_turn(const std::vector<bool>& tried);
  static Outcome run(const Engine& engine, size_t host, ConnectionPtr connection, const std::string& key);
  void keep(size_t host, ConnectionPtr connection);
  void close_all(size_t host);
  void close_unused();
  static event::Task<void> close(event::WorkerPool* workers, std::list<Idle> connections);

  EnginePtr engine_;
  table::CaseRule fold_;
  std::string file_;
  table::FileIdentity identity_;
  table::MatchList domains_;
  HostChooser hosts_;
  std::list<Idle> idle_;  ///< the one used last in front
  event::Semaphore slots_;
  std::unique_ptr<event::WorkerPool> workers_;
  event::TaskScope closing_;
  event::Timer unused_;
};

}  // namespace umaya::databases
