#include "libcommon/databases/database_table.h"

#include <atomic>
#include <catch2/catch.hpp>
#include <mutex>
#include <thread>

#include "libcommon/event/loop.h"
#include "libcommon/log/log.h"

using namespace umaya;
using namespace umaya::databases;
using namespace std::chrono_literals;

namespace {

/// What a host of the fake database does now.
struct FakeHost {
  std::atomic<bool> is_up = true;
  std::atomic<bool> refuses = false;
  std::atomic<bool> is_silent = false;
  std::atomic<int> generation = 0;  ///< a restart ends the connections that were made before
  std::atomic<int> connects = 0, open = 0, busy = 0, most_busy = 0;
  std::atomic<int> milliseconds = 0;
};

class FakeEngine : public Engine {
 public:
  explicit FakeEngine(size_t count) : states(count) {
    for (size_t i = 0; i < count; ++i) {
      Host host;
      host.name = host.shown = std::to_string(i);
      hosts.push_back(host);
    }
    plan = *LookupPlan::from(*Parameters::parse("", "pgsql:/x"));
    order = HostOrder::listed;
  }
  Result<std::unique_ptr<Connection>> connect(const Host& host) const override;
  mutable std::vector<FakeHost> states;
};

class FakeConnection : public Connection {
 public:
  FakeConnection(FakeHost& host, std::string name) : host_(host), name_(std::move(name)), generation_(host.generation) {
    ++host_.open;
  }
  ~FakeConnection() override { --host_.open; }
  Attempt ask(const std::string& key) override {
    int busy = ++host_.busy;
    for (int most = host_.most_busy; busy > most && !host_.most_busy.compare_exchange_weak(most, busy);) {
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(host_.milliseconds));
    --host_.busy;
    if (!host_.is_up || generation_ != host_.generation) return failed_attempt(Verdict::lost, "connection ended");
    if (host_.is_silent) return failed_attempt(Verdict::silent, "no answer in time");
    if (host_.refuses) return failed_attempt(Verdict::refused, "no such relation");
    if (key == "none") return {};
    return {Verdict::answered, table::Lookup::of(name_ + ":" + key), false};
  }

 private:
  FakeHost& host_;
  std::string name_;
  int generation_;
};

Result<std::unique_ptr<Connection>> FakeEngine::connect(const Host& host) const {
  FakeHost& state = states[std::stoul(host.name)];
  ++state.connects;
  if (!state.is_up) return temporary("Connection refused");
  return std::make_unique<FakeConnection>(state, host.name);
}

event::Task<table::Lookup> ask(table::Table* table, std::string key) {
  return table->lookup(std::move(key));
}

/// A table over fake hosts.
struct Fixture {
  explicit Fixture(size_t count, Duration retry = 60s, Duration idle = 60s, size_t connections = 4)
      : engine(std::make_shared<FakeEngine>(count)) {
    log::capture([this](log::Level, std::string_view line) { lines.emplace_back(line); });
    engine->retry_interval = retry;
    engine->idle_interval = idle;
    engine->connections = connections;
    table = std::make_unique<DatabaseTable>("pgsql:/x", table::Options{}, engine, "");
  }
  ~Fixture() { log::capture(nullptr); }
  std::string find(const std::string& key) {
    table::Lookup answer = event::run_until_done(ask(table.get(), key));
    return answer.found() ? answer.value() : answer.missing() ? "(none)" : "(error) " + answer.error().what;
  }
  FakeHost& host(size_t index) { return engine->states[index]; }
  std::shared_ptr<FakeEngine> engine;
  std::vector<std::string> lines;
  std::unique_ptr<DatabaseTable> table;
};

}  // namespace

TEST_CASE("database table: found, not found and could not ask are three answers", "[databases]") {
  Fixture fixture(1);
  CHECK(fixture.find("A@b.C") == "0:a@b.c");
  CHECK(fixture.find("none") == "(none)");
  CHECK(fixture.host(0).connects == 1);
  fixture.host(0).is_up = false;
  CHECK(fixture.find("a") == "(error) pgsql:/x: 0: Connection refused");
}

TEST_CASE("database table: keys that are no text are not found, without a question", "[databases]") {
  Fixture fixture(1);
  for (const std::string& key : {std::string(), std::string("\xff"), std::string("a\0b", 3), std::string(5000, 'x')}) {
    CHECK(fixture.table->lookup_now(key)->missing());
    CHECK(fixture.find(key) == "(none)");
  }
  CHECK_FALSE(fixture.table->lookup_now("key"));
  CHECK(fixture.host(0).connects == 0);
}

TEST_CASE("database table: only addresses of the domains are asked for", "[databases]") {
  Fixture fixture(1);
  fixture.engine->plan.domains = "example.com, inline:{other.example=x}";
  fixture.table = std::make_unique<DatabaseTable>("pgsql:/x", table::Options{}, fixture.engine, "");
  CHECK(fixture.find("u@example.com") == "0:u@example.com");
  CHECK(fixture.find("u@other.example") == "0:u@other.example");
  for (const char* key : {"u@elsewhere.example", "u@sub.example.com", "@example.com", "example.com", "u"}) {
    CHECK(fixture.find(key) == "(none)");
  }
  fixture.engine->plan.domains = "fail:x";
  fixture.table = std::make_unique<DatabaseTable>("pgsql:/x", table::Options{}, fixture.engine, "");
  CHECK(fixture.find("u@example.com").starts_with("(error)"));
}

TEST_CASE("database table: the next host answers for one that is down, which is left alone for a while",
          "[databases]") {
  Fixture fixture(2, 100ms);
  fixture.host(0).is_up = false;
  CHECK(fixture.find("a") == "1:a");
  CHECK(fixture.find("b") == "1:b");
  CHECK(fixture.host(0).connects == 1);
  CHECK(fixture.lines == std::vector<std::string>{"pgsql:/x: 0: Connection refused"});
  fixture.host(1).is_up = false;
  CHECK(fixture.find("c").starts_with("(error)"));
  CHECK(fixture.find("c").find("are down") != std::string::npos);
  fixture.host(0).is_up = true;
  std::this_thread::sleep_for(150ms);
  CHECK(fixture.find("c") == "0:c");
}

TEST_CASE("database table: a restart of the database costs no look-up", "[databases]") {
  Fixture fixture(1);
  CHECK(fixture.find("a") == "0:a");
  ++fixture.host(0).generation;
  CHECK(fixture.find("b") == "0:b");
  CHECK(fixture.host(0).connects == 2);
  CHECK(fixture.lines.empty());
}

TEST_CASE("database table: a host that refuses a question is asked the next one", "[databases]") {
  Fixture fixture(2);
  fixture.host(0).refuses = true;
  CHECK(fixture.find("a") == "1:a");
  fixture.host(0).refuses = false;
  fixture.host(1).is_up = false;
  CHECK(fixture.find("b") == "0:b");
  fixture.host(0).refuses = true;
  CHECK(fixture.find("c").starts_with("(error)"));
  CHECK(fixture.host(0).connects == 1);
}

TEST_CASE("database table: a host that keeps silent counts as down", "[databases]") {
  Fixture fixture(2);
  CHECK(fixture.find("a") == "0:a");
  fixture.host(0).is_silent = true;
  CHECK(fixture.find("b") == "1:b");
  CHECK(fixture.find("c") == "1:c");
  CHECK(fixture.host(0).connects == 1);
}

TEST_CASE("database table: look-ups share few connections", "[databases]") {
  Fixture fixture(1, 60s, 60s, 3);
  fixture.host(0).milliseconds = 2;
  event::TaskScope scope;
  int answered = 0;
  auto one = [](table::Table* table, int number, int* count) -> event::Task<void> {
    table::Lookup answer = co_await table->lookup(std::to_string(number));
    if (answer.found() && answer.value() == "0:" + std::to_string(number)) ++*count;
    if (*count == 60) event::Loop::current().stop();
  };
  for (int i = 0; i < 60; ++i) scope.spawn(one(fixture.table.get(), i, &answered));
  event::Loop::current().run();
  CHECK(answered == 60);
  CHECK(fixture.host(0).connects <= 3);
  CHECK(fixture.host(0).most_busy <= 3);
  CHECK(fixture.host(0).most_busy > 1);
}

TEST_CASE("database table: look-ups that nobody waits for any more give their connection's place back", "[databases]") {
  Fixture fixture(1, 60s, 60s, 1);
  fixture.host(0).milliseconds = 20;
  {
    event::TaskScope scope;
    auto one = [](table::Table* table) -> event::Task<void> { (void)co_await table->lookup("x"); };
    for (int i = 0; i < 3; ++i) scope.spawn(one(fixture.table.get()));
  }
  CHECK(fixture.find("a") == "0:a");
}

TEST_CASE("database table: idle connections are closed", "[databases]") {
  Fixture fixture(1, 60s, 30ms);
  CHECK(fixture.find("a") == "0:a");
  CHECK(fixture.host(0).open == 1);
  auto rest = []() -> event::Task<bool> {
    co_await event::sleep(100ms);
    co_return true;
  };
  event::run_until_done(rest());
  CHECK(fixture.host(0).open == 0);
  CHECK(fixture.find("b") == "0:b");
}
