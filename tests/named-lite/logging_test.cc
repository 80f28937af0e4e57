#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "libcommon/event/loop.h"
#include "libcommon/ipc/codec.h"
#include "libcommon/log/divert.h"
#include "named-lite/logging/log_router.h"
#include "named-lite/logging/log_sender.h"
#include "named-lite/query/query_log.h"
#include "tests/named-lite/snapshot_support.h"

using namespace umaya;
using namespace umaya::named;
using namespace umaya::named::testing;

namespace {

NamedConf conf_with(const Directory& dir, const std::string& logging) {
  Problems problems;
  NamedConf conf = parse_named_conf(dir.options() + "logging {" + logging + "};", "c", {}, problems);
  for (const Problem& problem : problems.all()) UNSCOPED_INFO(problem.text());
  REQUIRE(problems.all().empty());
  return conf;
}

std::string content(const Directory& dir, const std::string& name) {
  std::ifstream in(dir.path(name));
  return {std::istreambuf_iterator<char>(in), {}};
}

LogRecord record(Category category, log::Level level, const std::string& text) {
  return {category, level, 1795690498123, text};
}

struct LocalTime {
  LocalTime() {
    setenv("TZ", "UTC-2", 1);
    tzset();
  }
  ~LocalTime() {
    unsetenv("TZ");
    tzset();
  }
};

}  // namespace

TEST_CASE("logging: a line goes to the channels of its category, else to those of default", "[named][logging]") {
  Directory dir;
  LogRouter router;
  CHECK_FALSE(router.write(record(Category::queries, log::Level::info, "q")));
  router.configure(conf_with(dir,
                             "channel a { file \"a\"; }; channel b { file \"b\"; print-category yes; }; "
                             "category queries { a; b; }; category default { b; }; category notify { null; };"));
  CHECK(router.names(Category::queries));
  CHECK_FALSE(router.names(Category::security));
  CHECK(router.write(record(Category::queries, log::Level::info, "one")));
  CHECK(router.write(record(Category::xfer_in, log::Level::error, "two")));
  CHECK(router.write(record(Category::notify, log::Level::error, "three")));
  router.flush();
  CHECK(content(dir, "a") == "one\n");
  CHECK(content(dir, "b") == "queries: one\nxfer-in: two\n");
  // A reload goes on in the same file.
  router.configure(conf_with(dir, "channel a { file \"a\"; }; category default { a; };"));
  CHECK(router.write(record(Category::general, log::Level::info, "four")));
  router.flush();
  CHECK(content(dir, "a") == "one\nfour\n");
}

TEST_CASE("logging: a channel takes what is severe enough", "[named][logging]") {
  Directory dir;
  NamedConf conf =
      conf_with(dir,
                "channel w { file \"w\"; severity warning; }; channel n { file \"n\"; severity notice; }; "
                "channel c { file \"c\"; severity critical; }; channel d { file \"d\"; severity debug 3; };");
  struct Row {
    const char* channel;
    log::Level level;
    bool taken;
  };
  const Row rows[] = {
      {"w", log::Level::info, false},
      {"w", log::Level::warning, true},
      {"w", log::Level::error, true},
      {"n", log::Level::info, false},
      {"n", log::Level::warning, true},
      {"c", log::Level::error, false},
      {"c", log::Level::fatal, true},
      {"d", log::Level::info, true},
      {"default_syslog", log::Level::info, true},
      {"w", log::Level::debug, false},
      {"default_syslog", log::Level::debug, false},
  };
  for (const Row& row : rows) {
    INFO(row.channel << " " << static_cast<int>(row.level));
    CHECK(takes(*conf.logging.channel(row.channel), row.level) == row.taken);
  }
  CHECK_FALSE(takes(*conf.logging.channel("d"), log::Level::debug));
  log::set_verbosity(1);
  CHECK(takes(*conf.logging.channel("d"), log::Level::debug));
  CHECK(takes(*conf.logging.channel("default_debug"), log::Level::debug));
  CHECK_FALSE(takes(*conf.logging.channel("w"), log::Level::debug));
  log::set_verbosity(0);
}

TEST_CASE("logging: time, category and severity stand before the text as BIND has them", "[named][logging]") {
  LocalTime zone;
  Directory dir;
  auto line = [&](const std::string& prints) {
    NamedConf conf = conf_with(dir, "channel a { file \"a\"; " + prints + " };");
    return channel_line(*conf.logging.channel("a"), record(Category::xfer_out, log::Level::warning, "text"));
  };
  CHECK(line("") == "text");
  CHECK(line("print-time yes; print-category yes; print-severity yes;") ==
        "26-Nov-2026 12:54:58.123 xfer-out: warning: text");
  CHECK(line("print-time iso8601;") == "2026-11-26T12:54:58.123 text");
  CHECK(line("print-time iso8601-utc;") == "2026-11-26T10:54:58.123Z text");
  CHECK(line("print-time no; print-severity yes;") == "warning: text");
}

TEST_CASE("logging: a file that is full is put aside, and as many as versions are kept", "[named][logging]") {
  Directory dir;
  LogFile file({dir.path("log"), 2, 20});
  for (int i = 0; i < 5; ++i) file.write("line number " + std::to_string(i) + "\n");
  file.flush();
  CHECK(content(dir, "log") == "line number 4\n");
  CHECK(content(dir, "log.0") == "line number 3\n");
  CHECK(content(dir, "log.1") == "line number 2\n");
  CHECK_FALSE(std::filesystem::exists(dir.path("log.2")));
  CHECK(file.lost() == 0);

  LogFile limited({dir.path("limited"), 0, 20});
  for (int i = 0; i < 5; ++i) limited.write("line number " + std::to_string(i) + "\n");
  limited.flush();
  CHECK(content(dir, "limited") == "line number 0\n");
  CHECK(limited.lost() == 4);

  // With versions and without size: at each start.
  dir.write("plain", "of before\n");
  LogFile plain({dir.path("plain"), 3, 0});
  plain.write("new\n");
  plain.flush();
  CHECK(content(dir, "plain") == "new\n");
  CHECK(content(dir, "plain.0") == "of before\n");
  LogFile nowhere({dir.path("no/where"), 0, 0});
  nowhere.write("lost\n");
  CHECK(nowhere.lost() == 1);
}

TEST_CASE("logging: what nobody takes in time is dropped and counted", "[named][logging]") {
  std::vector<LogBatch> sent;
  bool open = true;
  LogSender sender([&](std::string message) {
    if (open) sent.push_back(*ipc::decode<LogBatch>(message));
    return open;
  });
  const std::string text(1000, 'x');
  size_t per_batch = LogBatch::kMostOctets / (text.size() + 24);
  for (size_t i = 0; i < 1000; ++i) sender.add(record(Category::queries, log::Level::info, text));
  CHECK(sent.size() == LogBatch::kMostUntaken);
  CHECK(sent[0].records.size() == per_batch);
  sender.taken();
  sender.send();
  REQUIRE(sent.size() == LogBatch::kMostUntaken + 1);
  CHECK(sent.back().dropped == 1000 - (LogBatch::kMostUntaken + 1) * per_batch);
  sender.restart();
  open = false;
  for (size_t i = 0; i < 1000; ++i) sender.add(record(Category::queries, log::Level::info, text));
  open = true;
  sender.send();
  CHECK(sent.back().dropped == 1000 - per_batch);
}

TEST_CASE("logging: a question has the line that BIND gives it", "[named][logging]") {
  std::vector<LogRecord> lines;
  QueryLog log([&](LogRecord line) { lines.push_back(std::move(line)); });
  LogOrders orders;
  orders.queries = true;
  log.obey(orders);
  std::string packet = question("WWW.ex.test", type::kMx);
  Query query;
  REQUIRE(parse_query(packet, query) == ParsedAs::answer);
  sockaddr_in client = from("192.0.2.9");
  client.sin_port = htons(1053);
  auto local = *net::IpAddress::parse("192.0.2.1");
  NotedQuery noted{query, reinterpret_cast<sockaddr*>(&client), local, Transport::udp, {}};
  log.note(noted, {});
  CHECK(lines.back().text.find(" 192.0.2.9#1053 (WWW.ex.test): query: WWW.ex.test IN MX ") != std::string::npos);
  CHECK(lines.back().text.starts_with("client @0x1 "));
  query.recursion_desired = query.dnssec_ok = query.checking_disabled = query.has_edns = true;
  query.edns_version = 0;
  query.cookie = "12345678";
  noted.transport = Transport::tcp;
  noted.view = "inside";
  Name key = name("xfer.");
  noted.key = &key;
  log.note(noted, {});
  CHECK(lines.back().text ==
        "client @0x2 192.0.2.9#1053/key xfer (WWW.ex.test): view inside: query: WWW.ex.test IN MX +SE(0)TDCK "
        "(192.0.2.1)");
  noted.cookie = CookieState::valid;
  log.note(noted, {});
  CHECK(lines.back().text.ends_with("+SE(0)TDCV (192.0.2.1)"));

  orders.queries = false;
  orders.security = orders.errors = true;
  log.obey(orders);
  lines.clear();
  std::string answer = packet;
  log.note(noted, answer);
  CHECK(lines.empty());
  answer[3] = static_cast<char>(answer[3] | rcode::kRefused);
  log.note(noted, answer);
  REQUIRE(lines.size() == 2);
  CHECK(lines[0].category == Category::security);
  CHECK(lines[0].text.ends_with("view inside: query 'WWW.ex.test/MX/IN' denied"));
  CHECK(lines[1].category == Category::query_errors);
  CHECK(lines[1].text.ends_with("query failed (REFUSED) for WWW.ex.test/IN/MX"));
}

TEST_CASE("logging: what has no effect is named with its place", "[named][logging]") {
  Problems problems;
  parse_named_conf(
      "logging {\n category dnssec { null; };\n category nonsense { null; };\n"
      " channel a { file \"a\" versions 3 suffix timestamp; };\n};",
      "c", {}, problems);
  std::vector<std::string> told;
  for (const Problem& problem : problems.all()) told.push_back(problem.text());
  REQUIRE(told.size() == 3);
  problems.sort();
  CHECK(problems.all()[0].text() ==
        "c:2:11: warning: named-lite writes nothing of the category \"dnssec\": it has no effect");
  CHECK(problems.all()[1].text() == "c:3:11: warning: there is no category \"nonsense\" of log lines");
  CHECK(problems.all()[2].place.line == 4);
}

TEST_CASE("logging: a diverted line carries the category of its file, and what is not taken goes on",
          "[named][logging]") {
  std::vector<std::pair<Category, std::string>> taken;
  log::divert([&](log::Level, std::string_view text) {
    log::info("within");  // goes the usual way: no endless circle
    taken.emplace_back(current_category(), text);
    return true;
  });
  Logged<Category::xfer_in>::info("{} {}", "a", 1);
  log::info("b");
  log::divert(nullptr);
  CHECK(taken == std::vector<std::pair<Category, std::string>>{{Category::xfer_in, "a 1"}, {Category::general, "b"}});
}
