#include "named-lite/server/recursion_server.h"

#include <thread>

#include "named-lite/feed/publisher.h"
#include "tests/named-lite/real_server.h"

using namespace umaya;
using namespace umaya::named;
using namespace umaya::named::testing;

namespace {

constexpr std::chrono::milliseconds kStep{1};

std::string wire(const std::string& text) {
  return std::string(name(text).lower().wire());
}

ImagePtr zone_image(const std::string& address) {
  return ImagePtr(check("own.test.", "$TTL 3600\n@ SOA ns root 1 2 3 4 60\n@ NS ns\nns A 192.0.2.1\nhost A " + address +
                                         "\nout CNAME www.far.test.\n")
                      .image);
}

/// The same server, which takes its time for a name.
FakeInternet::Server slow_for(const std::string& part, FakeInternet::Server server) {
  return [part, server](std::string_view packet, bool tcp) {
    if (packet.find(part) != std::string_view::npos) std::this_thread::sleep_for(std::chrono::milliseconds(300));
    return server(packet, tcp);
  };
}

/// A recursion process, with the test as zone process, query process and forwarder.
struct Office {
  RealServer far{"127.0.0.1", 0,
                 slow_for("slow", zone_server({{"far.test.",
                                                "$TTL 300\n@ SOA ns root 1 2 3 4 60\n@ NS ns\nns A 192.0.2.9\nwww A "
                                                "198.51.100.1\nslow A 198.51.100.2\nalias CNAME host.own.test.\n"}}))};
  Result<StatisticsPage> page = StatisticsPage::create();
  bool ready = false, trouble = false;
  RecursionServer server{{[this] { ready = true; }, [this] { trouble = true; }}};
  Publisher publisher{[](size_t, const std::string&, const ImagePtr&) {}};
  std::unique_ptr<Link> zone_end, query_end;
  std::vector<CacheCommandDone> commands;
  std::vector<RecursionReply> replies, zone_replies;
  std::optional<AnswerCache> cache;
  uint64_t mark = 0;
  uint32_t tickets = 0;

  Office() {
    server.count_in(**page);
    auto zone = socket_pair();
    REQUIRE((page && zone));
    auto from_server = [this](ipc::Packet packet) {
      if (auto done = ipc::decode<FeedDone>(packet.bytes)) return publisher.done(1, *done);
      if (auto reply = ipc::decode<RecursionReply>(packet.bytes)) return zone_replies.push_back(std::move(*reply));
      commands.push_back(*ipc::decode<CacheCommandDone>(packet.bytes));
    };
    zone_end = std::make_unique<Link>(std::move(zone->first), from_server, [] {});
    server.connect_zone(std::move(zone->second));
    publisher.connect(1, *zone_end);
    connect_query();
  }
  /// A query process, in the place of the one before.
  void connect_query() {
    auto query = socket_pair();
    REQUIRE(query);
    query_end = std::make_unique<Link>(
        std::move(query->first), [this](ipc::Packet packet) { received(std::move(packet)); }, [] {});
    server.connect_query(0, std::move(query->second));
  }
  ~Office() { publisher.disconnect(1); }
  void received(ipc::Packet packet) {
    if (auto reply = ipc::decode<RecursionReply>(packet.bytes)) {
      replies.push_back(std::move(*reply));
      return;
    }
    auto handles = ipc::decode<CacheHandles>(packet.bytes);
    REQUIRE((handles && packet.fds.size() == 2));
    mark = handles->config_mark;
    auto mapped = AnswerCache::map(packet.fds[0], packet.fds[1]);
    REQUIRE(mapped);
    cache.emplace(std::move(*mapped));
  }
  void configure(const std::string& more = {}) {
    ConfigFiles files;
    files.files.push_back({"named.conf", "options { forward only; forwarders { 127.0.0.1 port " +
                                             std::to_string(far.port()) + "; }; " + more + " };"});
    Problems problems;
    Snapshot snapshot = make_snapshot(parse_config_files(files, problems), 7);
    REQUIRE(problems.all().empty());
    snapshot.views[0]->catalog.add({wire("own.test."), zone_image("192.0.2.50")});
    publisher.configure(ipc::encode(files), snapshot);
    settle();
  }
  void settle() { REQUIRE(event::run_until_done(publisher.settled(std::chrono::seconds(20)))); }
  template <class Condition>
  void until(Condition condition) {
    for (int i = 0; i < 10000 && !condition(); ++i) event::run_until_done(wait());
    REQUIRE(condition());
  }
  static event::Task<void> wait() { co_await event::sleep(kStep); }
  RecursionRequest request(const std::string& owner) {
    RecursionRequest made;
    made.ticket = ++tickets;
    made.config_mark = mark;
    made.type = type::kA;
    made.name = std::string(name(owner).wire());
    made.client = std::string("\x7f\0\0\1", 4);
    return made;
  }
  RecursionReply ask(const RecursionRequest& asked) {
    size_t before = replies.size();
    query_end->post(ipc::encode(asked));
    until([&] { return replies.size() > before; });
    CHECK(replies.back().ticket == asked.ticket);
    return replies.back();
  }
  RecursionReply ask(const std::string& owner) { return ask(request(owner)); }
  bool is_cached(const std::string& owner) {
    char room[4096];
    AnswerCache::Hit hit;
    auto now = std::chrono::duration_cast<std::chrono::seconds>(monotonic_now().time_since_epoch()).count();
    return cache->find({wire(owner), type::kA}, static_cast<uint32_t>(now), room, hit);
  }
  uint64_t command(CacheCommand::What what, const std::string& owner = ".") {
    CacheCommand asked;
    asked.number = 9;
    asked.what = what;
    asked.name = wire(owner);
    size_t before = commands.size();
    zone_end->post(ipc::encode(asked));
    until([&] { return commands.size() > before; });
    CHECK(commands.back().number == 9);
    return commands.back().count;
  }
  uint64_t count(Count what) { return (*page)->value(what); }
};

bool has(const RecursionReply& reply, const char (&address)[5]) {
  return reply.body.find(std::string(address, 4)) != std::string::npos;
}

}  // namespace

TEST_CASE("recursion server: a question is resolved, kept where query processes see it, and counted",
          "[named][recursion]") {
  Office office;
  CHECK_FALSE(office.ready);
  office.configure();
  CHECK(office.ready);
  office.until([&] { return office.cache.has_value(); });
  RecursionReply reply = office.ask("www.far.test.");
  CHECK(reply.rcode == rcode::kNoError);
  CHECK(reply.answers == 1);
  CHECK(has(reply, "\xc6\x33\x64\1"));
  CHECK(office.is_cached("www.far.test."));
  CHECK(office.ask("nobody.far.test.").rcode == rcode::kNxDomain);
  CHECK(office.is_cached("nobody.far.test."));
  CHECK(office.count(Count::upstream_queries_v4) == 2);
  CHECK(office.count(Count::upstream_nxdomain) == 1);
  CHECK(office.count(Count::cache_entries) == 4);
  CHECK(office.count(Count::cache_octets) > 0);
  office.ask("www.far.test.");
  CHECK(office.count(Count::upstream_queries_v4) == 2);
  CHECK(office.server.questions() == 3);
}

TEST_CASE("recursion server: the zone process may ask, too, and gets its answers itself", "[named][recursion]") {
  Office office;
  office.configure();
  office.until([&] { return office.cache.has_value(); });
  RecursionRequest request = office.request("www.far.test.");
  office.zone_end->post(ipc::encode(request));
  office.until([&] { return !office.zone_replies.empty(); });
  CHECK(office.zone_replies[0].ticket == request.ticket);
  CHECK(has(office.zone_replies[0], "\xc6\x33\x64\1"));
  CHECK(office.replies.empty());
}

TEST_CASE("recursion server: what a process asked is not answered to the one in its place", "[named][recursion]") {
  Office office;
  office.configure();
  office.until([&] { return office.cache.has_value(); });
  office.query_end->post(ipc::encode(office.request("slow.far.test.")));
  office.until([&] { return office.server.questions() == 1; });
  office.connect_query();
  office.until([&] { return office.count(Count::upstream_queries_v4) == 1; });
  // The new one has the same number for another question.
  RecursionRequest other = office.request("nobody.far.test.");
  other.ticket = 1;
  office.query_end->post(ipc::encode(other));
  office.until([&] { return office.replies.size() == 1 && office.is_cached("slow.far.test."); });
  CHECK(office.replies[0].rcode == rcode::kNxDomain);
}

TEST_CASE("recursion server: what is no question, or of an unknown configuration, is not asked of others",
          "[named][recursion]") {
  Office office;
  office.configure();
  office.until([&] { return office.cache.has_value(); });
  RecursionRequest strange = office.request("www.far.test.");
  strange.config_mark ^= 1;
  CHECK(office.ask(strange).rcode == rcode::kServFail);
  for (const std::string& bad :
       {std::string(), std::string("\3ww", 3), std::string("\1a\0x", 4), std::string("\x40"), std::string(300, '\1')}) {
    RecursionRequest wrong = office.request("www.far.test.");
    wrong.name = bad;
    office.query_end->post(ipc::encode(wrong));
  }
  office.query_end->post("nonsense");
  RecursionRequest view = office.request("www.far.test.");
  view.view = 7;
  CHECK(office.ask(view).rcode == rcode::kRefused);
  CHECK(office.replies.size() == 2);
  CHECK(office.far.asked == 0);
}

TEST_CASE("recursion server: a refresh has no answer and makes one", "[named][recursion]") {
  Office office;
  office.configure();
  office.until([&] { return office.cache.has_value(); });
  RecursionRequest refresh = office.request("www.far.test.");
  refresh.refresh = true;
  office.query_end->post(ipc::encode(refresh));
  office.until([&] { return office.is_cached("www.far.test."); });
  CHECK(office.replies.empty());
}

TEST_CASE("recursion server: ndc's commands empty the caches", "[named][recursion]") {
  Office office;
  office.configure();
  office.until([&] { return office.cache.has_value(); });
  office.ask("www.far.test.");
  office.ask("alias.far.test.");
  using What = CacheCommand::What;
  CHECK(office.command(What::flush_name, "www.far.test.") == 2);
  CHECK_FALSE(office.is_cached("www.far.test."));
  CHECK_FALSE(office.is_cached("alias.far.test."));  // it may have led there
  CHECK(office.command(What::flush_name, "www.far.test.") == 0);
  office.ask("www.far.test.");
  CHECK(office.command(What::flush_tree, "test.") >= 2);
  CHECK_FALSE(office.is_cached("www.far.test."));
  office.ask("www.far.test.");
  office.command(What::flush);
  CHECK_FALSE(office.is_cached("www.far.test."));
  CHECK(office.count(Count::cache_entries) == 0);
}

TEST_CASE("recursion server: answers with data of our zones go when zones are exchanged", "[named][recursion]") {
  Office office;
  office.configure();
  office.until([&] { return office.cache.has_value(); });
  CHECK(has(office.ask("alias.far.test."), "\xc0\0\2\x32"));
  CHECK(has(office.ask("out.own.test."), "\xc6\x33\x64\1"));
  office.ask("www.far.test.");
  CHECK(office.is_cached("alias.far.test."));
  CHECK(office.is_cached("out.own.test."));
  office.publisher.change(0, wire("own.test."), zone_image("192.0.2.51"));
  office.settle();
  CHECK_FALSE(office.is_cached("alias.far.test."));
  CHECK_FALSE(office.is_cached("out.own.test."));
  CHECK(office.is_cached("www.far.test."));
  CHECK(has(office.ask("alias.far.test."), "\xc0\0\2\x33"));
}

TEST_CASE("recursion server: another configuration begins with empty caches, the one before still answers",
          "[named][recursion]") {
  Office office;
  office.configure();
  office.until([&] { return office.cache.has_value(); });
  office.ask("www.far.test.");
  RecursionRequest of_before = office.request("www.far.test.");
  uint64_t mark = office.mark;
  office.configure();  // the same
  CHECK(office.is_cached("www.far.test."));
  office.configure("max-cache-ttl 100;");
  office.until([&] { return office.mark != mark; });
  CHECK_FALSE(office.is_cached("www.far.test."));
  uint64_t asked = office.count(Count::upstream_queries_v4);
  CHECK(office.ask(of_before).answers == 1);
  CHECK(office.count(Count::upstream_queries_v4) == asked);
  CHECK_FALSE(office.is_cached("www.far.test."));
  CHECK(office.ask("www.far.test.").answers == 1);
  CHECK(office.count(Count::upstream_queries_v4) == asked + 1);
  CHECK(office.is_cached("www.far.test."));
}

TEST_CASE("recursion server: a feed that cannot be read is told, and what was known stays", "[named][recursion]") {
  Office office;
  office.configure();
  office.until([&] { return office.cache.has_value(); });
  FeedCommit wrong;
  wrong.number = 77;
  office.zone_end->post(ipc::encode(wrong));
  office.until([&] { return office.trouble; });
  CHECK(office.ask("www.far.test.").answers == 1);
}
