#include "named-lite/query/recursive_client.h"

#include <algorithm>
#include <thread>

#include "named-lite/dns/types.h"
#include "named-lite/recursion/answer_body.h"
#include "tests/named-lite/zone_support.h"

using namespace umaya;
using namespace umaya::named;
using namespace umaya::named::testing;

namespace {

constexpr uint64_t kMark = 42;
constexpr std::chrono::milliseconds kStep{1};

RecursiveAnswer answer_for(const std::string& owner, size_t records = 1, uint32_t ttl = 300) {
  Name asked = name(owner);
  AnswerBody body(asked.wire());
  RrSet set{std::string(asked.wire()), type::kA, ttl};
  for (size_t i = 0; i < records; ++i) set.data.push_back(std::string("\x0a\0\0", 3) + static_cast<char>(i + 1));
  body.add(Section::answer, set, false);
  RecursiveAnswer answer;
  body.finish(answer);
  return answer;
}

RecursionReply reply_for(uint32_t ticket, const RecursiveAnswer& answer) {
  RecursionReply reply;
  reply.ticket = ticket;
  reply.rcode = answer.rcode;
  reply.answers = answer.counts[0];
  reply.body = answer.body;
  return reply;
}

uint32_t seconds_now() {
  auto since = monotonic_now().time_since_epoch();
  return static_cast<uint32_t>(std::chrono::duration_cast<std::chrono::seconds>(since).count());
}

/// A client, and in the place of the recursion process the test.
struct Desk {
  RecursiveClient client;
  std::unique_ptr<Link> other;
  std::vector<RecursionRequest> requests;
  std::vector<FoundAnswer> found;  // their bodies are gone
  std::vector<std::string> answers;
  RecursivePlace place;

  Desk() { client.configure(kMark, 100); }
  /// Over a link that belongs to the test.
  void connect_by_post() {
    client.connect([this](std::string message) {
      auto request = ipc::decode<RecursionRequest>(message);
      REQUIRE(request);
      requests.push_back(std::move(*request));
      return true;
    });
  }
  void take(uint32_t ticket, const RecursiveAnswer& answer) {
    client.take({ipc::encode(reply_for(ticket, answer)), {}});
  }
  void connect() {
    auto pair = socket_pair();
    REQUIRE(pair);
    client.connect(std::move(pair->first));
    auto received = [this](ipc::Packet packet) {
      auto request = ipc::decode<RecursionRequest>(packet.bytes);
      REQUIRE(request);
      requests.push_back(std::move(*request));
    };
    other = std::make_unique<Link>(std::move(pair->second), received, [] {});
  }
  void ask(const std::string& packet) {
    client.ask(packet, place, *net::IpAddress::parse("192.0.2.7"),
               [this](const Query& query, std::string_view asked, const FoundAnswer& what) {
                 found.push_back(what);
                 std::string out(kMostAnswer, '\0');
                 out.resize(write_found(query, asked, place, {}, what, out));
                 answers.push_back(out);
               });
  }
  void ask(const std::string& owner, uint16_t type) { ask(question(owner, type)); }
  /// Lets messages pass until it is so.
  template <class Condition>
  void until(Condition condition) {
    for (int i = 0; i < 5000 && !condition(); ++i) event::run_until_done(wait());
    REQUIRE(condition());
  }
  static event::Task<void> wait() { co_await event::sleep(kStep); }
  void show(const AnswerCacheWriter& writer, uint64_t mark) {
    CacheHandles handles;
    handles.config_mark = mark;
    std::vector<Fd> fds;
    fds.push_back(Fd(::dup(writer.cache_fd().get())));
    fds.push_back(Fd(::dup(writer.marks_fd().get())));
    other->post(ipc::encode(handles), std::move(fds));
  }
  size_t from_cache(const std::string& packet, AnswerReport& report, std::string& out) {
    Query query;
    REQUIRE(parse_query(packet, query) == ParsedAs::answer);
    out.assign(kMostAnswer, '\0');
    out.resize(client.from_cache(query, packet, place, {}, report, out));
    return out.size();
  }
  size_t from_cache(const std::string& owner) {
    AnswerReport report;
    std::string out;
    return from_cache(question(owner, type::kA), report, out);
  }
};

}  // namespace

TEST_CASE("recursive client: without a recursion process the answer is SERVFAIL at once", "[named][recursion]") {
  Desk desk;
  desk.ask("www.far.test.", type::kA);
  REQUIRE(desk.answers.size() == 1);
  Answer answer = decode(desk.answers[0]);
  CHECK(answer.rcode == rcode::kServFail);
  CHECK((desk.answers[0][3] & 0x80) != 0);  // RA
  CHECK(desk.client.waiting() == 0);
}

TEST_CASE("recursive client: answers reach who asked, in any order", "[named][recursion]") {
  Desk desk;
  desk.connect();
  desk.place.view = 3;
  std::string first = question("one.far.test.", type::kA);
  first[3] |= 0x10;  // CD
  desk.ask(first);
  desk.ask("two.far.test.", type::kAaaa);
  desk.until([&] { return desk.requests.size() == 2; });
  const RecursionRequest& one = desk.requests[0];
  CHECK(Name::from_wire(one.name).text() == "one.far.test.");
  CHECK((one.type == type::kA && one.view == 3 && one.config_mark == kMark));
  CHECK((one.checking_disabled && !one.dnssec_ok && !one.refresh));
  CHECK(one.client == std::string("\xc0\0\2\7", 4));
  CHECK(desk.requests[1].type == type::kAaaa);
  CHECK(desk.client.waiting() == 2);

  desk.other->post(ipc::encode(reply_for(desk.requests[1].ticket, answer_for("two.far.test."))));
  desk.until([&] { return desk.answers.size() == 1; });
  CHECK(decode(desk.answers[0]).sections[0] == std::vector<std::string>{"two.far.test. A 10.0.0.1"});
  desk.other->post(ipc::encode(reply_for(one.ticket, answer_for("one.far.test.", 2))));
  desk.until([&] { return desk.answers.size() == 2; });
  Answer answer = decode(desk.answers[1]);
  REQUIRE(answer.sections[0].size() == 2);
  CHECK(answer.sections[0][0].starts_with("one.far.test. A 10.0.0."));
  CHECK((desk.answers[1][3] & 0x10) != 0);  // CD
  CHECK(desk.client.waiting() == 0);
}

TEST_CASE("recursive client: an answer that nobody waits for, or that is none, changes nothing", "[named][recursion]") {
  Desk desk;
  desk.connect();
  desk.ask("www.far.test.", type::kA);
  desk.until([&] { return desk.requests.size() == 1; });
  RecursionReply reply = reply_for(desk.requests[0].ticket, answer_for("www.far.test."));
  RecursionReply stray = reply;
  stray.ticket ^= 0x10000;
  desk.other->post(ipc::encode(stray));
  desk.other->post("nonsense");
  desk.other->post(ipc::encode(reply));
  desk.other->post(ipc::encode(reply));
  desk.until([&] { return !desk.answers.empty(); });
  desk.ask("next.far.test.", type::kA);
  desk.until([&] { return desk.requests.size() == 2; });
  CHECK(desk.answers.size() == 1);
  CHECK(desk.client.waiting() == 1);
}

TEST_CASE("recursive client: more than recursive-clients get SERVFAIL at once", "[named][recursion]") {
  Desk desk;
  desk.connect();
  desk.client.configure(kMark, 2);
  for (int i = 0; i < 5; ++i) desk.ask("n" + std::to_string(i) + ".far.test.", type::kA);
  CHECK(desk.answers.size() == 3);
  CHECK(desk.client.waiting() == 2);
  desk.until([&] { return desk.requests.size() == 2; });
}

TEST_CASE("recursive client: who waits gets SERVFAIL when the recursion process ends", "[named][recursion]") {
  Desk desk;
  desk.connect();
  desk.ask("one.far.test.", type::kA);
  desk.until([&] { return desk.requests.size() == 1; });
  desk.other.reset();
  desk.until([&] { return desk.answers.size() == 1; });
  CHECK(decode(desk.answers[0]).rcode == rcode::kServFail);
  SECTION("and the next process is asked") {
    desk.connect();
    desk.ask("two.far.test.", type::kA);
    desk.until([&] { return desk.requests.size() == 2; });
    CHECK(Name::from_wire(desk.requests[1].name).text() == "two.far.test.");
  }
  SECTION("as does who asks before there is another") {
    desk.ask("two.far.test.", type::kA);
    CHECK(desk.answers.size() == 2);
  }
}

TEST_CASE("recursive client: a quota's silence is handed on", "[named][recursion]") {
  Desk desk;
  desk.connect();
  desk.ask("www.far.test.", type::kA);
  desk.until([&] { return desk.requests.size() == 1; });
  RecursionReply reply = reply_for(desk.requests[0].ticket, {});
  reply.dropped = true;
  desk.other->post(ipc::encode(reply));
  desk.until([&] { return desk.found.size() == 1; });
  CHECK(desk.found[0].dropped);
}

TEST_CASE("recursive client: the cache is looked into when it is of the configuration in service",
          "[named][recursion]") {
  Desk desk;
  desk.connect();
  auto made = AnswerCacheWriter::create(size_t{1} << 20);
  REQUIRE(made);
  AnswerCacheWriter& writer = **made;
  std::string asked(name("www.far.test.").wire());
  writer.put({asked, type::kA}, answer_for("www.far.test."), seconds_now(), 0);
  CHECK(desk.from_cache("www.far.test.") == 0);
  desk.show(writer, kMark + 1);
  desk.ask("sync.far.test.", type::kA);
  for (int i = 0; i < 20; ++i) event::run_until_done(Desk::wait());
  CHECK(desk.from_cache("www.far.test.") == 0);
  desk.show(writer, kMark);
  desk.until([&] { return desk.from_cache("www.far.test.") > 0; });
  CHECK(desk.from_cache("WWW.far.TEST.") > 0);
  CHECK(desk.from_cache("nobody.far.test.") == 0);
  desk.place.view = 1;
  CHECK(desk.from_cache("www.far.test.") == 0);
  desk.place.view = 0;
  desk.client.configure(kMark + 5, 100);
  CHECK(desk.from_cache("www.far.test.") == 0);
}

TEST_CASE("recursive client: what is brought near for a batch changes no answer, whatever the packets are",
          "[named][recursion]") {
  Desk desk;
  std::string whole = with_edns(question("www.far.test.", type::kA), 1232, 0x8000);
  std::vector<std::string> packets{whole, question("nobody.far.test.", type::kMx), std::string(300, '\xff'),
                                   std::string(12, '\0') + std::string(400, '\1'), question("WWW.FAR.test.", type::kA)};
  for (size_t size = 0; size < whole.size(); ++size) packets.push_back(whole.substr(0, size));
  std::vector<std::string_view> batch(packets.begin(), packets.end());
  desk.client.prefetch(batch, 0);  // without a cache
  desk.connect();
  auto made = AnswerCacheWriter::create(size_t{1} << 20);
  REQUIRE(made);
  std::string asked(name("www.far.test.").wire());
  (*made)->put({asked, type::kA}, answer_for("www.far.test."), seconds_now(), 0);
  desk.show(**made, kMark);
  desk.until([&] { return desk.from_cache("www.far.test.") > 0; });
  for (size_t most : {size_t{0}, size_t{1}, batch.size()}) {
    desk.client.prefetch(std::span(batch).first(most), 0);
    CHECK(desk.from_cache("www.far.test.") > 0);
    CHECK(desk.from_cache("nobody.far.test.") == 0);
  }
}

TEST_CASE("recursive client: a cached answer is cut for a small packet and says what it is", "[named][recursion]") {
  Desk desk;
  desk.connect();
  auto made = AnswerCacheWriter::create(size_t{1} << 20);
  REQUIRE(made);
  AnswerCacheWriter& writer = **made;
  std::string asked(name("many.far.test.").wire());
  writer.put({asked, type::kA}, answer_for("many.far.test.", 100), seconds_now(), 0);
  RecursiveAnswer none;
  none.rcode = rcode::kNxDomain;
  none.ttl = 60;
  std::string missing(name("missing.far.test.").wire());
  writer.put({missing, type::kA}, none, seconds_now(), 0);
  desk.show(writer, kMark);
  desk.until([&] { return desk.from_cache("many.far.test.") > 0; });

  AnswerReport report;
  std::string out;
  desk.from_cache(question("many.far.test.", type::kA), report, out);
  Answer cut = decode(out);
  CHECK(cut.truncated);
  CHECK(cut.sections[0].empty());
  CHECK(report.kind == AnswerKind::positive);
  desk.place.transport = Transport::tcp;
  desk.from_cache(question("many.far.test.", type::kA), report, out);
  CHECK(decode(out).sections[0].size() == 100);
  desk.from_cache(question("missing.far.test.", type::kA), report, out);
  CHECK(decode(out).rcode == rcode::kNxDomain);
  CHECK(report.kind == AnswerKind::no_name);
}

TEST_CASE("recursive client: a use shortly before the end asks for a new answer, once", "[named][recursion]") {
  Desk desk;
  desk.connect();
  auto made = AnswerCacheWriter::create(size_t{1} << 20);
  REQUIRE(made);
  std::string asked(name("www.far.test.").wire());
  (*made)->put({asked, type::kA}, answer_for("www.far.test.", 1, 100), seconds_now(), 200);
  desk.show(**made, kMark);
  desk.until([&] { return desk.from_cache("www.far.test.") > 0; });
  for (int i = 0; i < 5; ++i) CHECK(desk.from_cache("www.far.test.") > 0);
  desk.until([&] { return !desk.requests.empty(); });
  desk.ask("other.far.test.", type::kA);
  desk.until([&] { return desk.requests.size() == 2; });
  CHECK(desk.requests[0].refresh);
  CHECK(Name::from_wire(desk.requests[0].name).text() == "www.far.test.");
  CHECK_FALSE(desk.requests[1].refresh);
  CHECK(desk.client.waiting() == 1);
}

TEST_CASE("found answer: names that do not exist are one account for their zone", "[named][recursion]") {
  auto report = [](const std::string& owner, const std::string& zone) {
    RrSet soa{std::string(name(zone).wire()), type::kSoa, 60, {std::string(name("ns.").wire()) + "\1r\0"}};
    soa.data[0] += std::string(20, '\0');
    Name asked = name(owner);
    AnswerBody body(asked.wire());
    body.add(Section::authority, soa, false);
    RecursiveAnswer answer;
    body.finish(answer);
    std::string packet = question(owner, type::kA);
    Query query;
    parse_query(packet, query);
    FoundAnswer found;
    found.rcode = rcode::kNxDomain;
    found.counts[1] = 1;
    found.body = answer.body;
    return report_on(query, found).source;
  };
  CHECK(report("a.far.test.", "far.test.") == report("b.c.far.test.", "far.test."));
  CHECK(report("a.far.test.", "far.test.") != report("a.near.test.", "near.test."));
  CHECK(report("a.far.test.", "far.test.") != report("a.far.test.", "test."));
}

TEST_CASE("recursive client: it asks over a link of somebody else's, and leaves room for a signature",
          "[named][recursion]") {
  Desk desk;
  desk.connect_by_post();
  desk.place.reserved = 100;
  desk.ask("www.far.test.", type::kA);
  desk.ask("many.far.test.", type::kA);
  REQUIRE(desk.requests.size() == 2);
  desk.take(desk.requests[0].ticket, answer_for("www.far.test."));
  desk.take(desk.requests[1].ticket, answer_for("many.far.test.", 25));
  REQUIRE(desk.answers.size() == 2);
  CHECK(decode(desk.answers[0]).sections[0].size() == 1);
  // 25 records of 16 octets would fit 512 octets, but not 412.
  CHECK(desk.answers[1].size() <= 412);
  CHECK((desk.answers[1][2] & 2) != 0);
  desk.ask("www.far.test.", type::kA);
  desk.client.connect(RecursiveClient::Post());
  REQUIRE(desk.found.size() == 3);
  CHECK(desk.found[2].rcode == rcode::kServFail);
}

TEST_CASE("wait limits: D40 so many of a network wait, and of what took long so many are answered in a second",
          "[named][recursion][attacks]") {
  WaitLimits limits;
  const auto one = *net::IpAddress::parse("192.0.2.7");
  const auto other = *net::IpAddress::parse("192.0.3.7");
  for (unsigned i = 0; i < WaitLimits::kMostWaiting; ++i) CHECK(limits.enter(one));
  CHECK_FALSE(limits.enter(*net::IpAddress::parse("192.0.2.250")));
  CHECK(limits.enter(other));
  CHECK(limits.networks() == 2);
  TimePoint now = monotonic_now();
  CHECK(limits.leave(one, std::chrono::seconds(1), now));  // quick ones are not counted
  unsigned sent = 0;
  for (int i = 0; i < 100; ++i) sent += limits.leave(one, std::chrono::seconds(9), now) ? 1 : 0;
  CHECK(sent == WaitLimits::kMostLate);
  CHECK(limits.leave(one, std::chrono::seconds(9), now + std::chrono::seconds(1)));
  CHECK(limits.leave(other, std::chrono::seconds(9), now));
  CHECK(limits.networks() == 1);
  for (unsigned i = 102; i < WaitLimits::kMostWaiting; ++i) limits.leave(one, {}, now);
  CHECK(limits.networks() == 0);
}

TEST_CASE("recursive client: D40 DNSBomb: answers that gather for one network do not come as a pulse",
          "[named][recursion][attacks]") {
  Desk desk;
  desk.client.configure(kMark, 1000);
  desk.connect_by_post();
  for (int i = 0; i < 900; ++i) desk.ask("n" + std::to_string(i) + ".bomb.test.", type::kA);
  CHECK(desk.requests.size() == WaitLimits::kMostWaiting);
  REQUIRE(desk.found.size() == 900 - WaitLimits::kMostWaiting);
  for (const std::string& answer : desk.answers) {
    CHECK(answer.size() <= 40);  // no larger than the question
    CHECK((answer[2] & 2) != 0);
  }
  std::this_thread::sleep_for(WaitLimits::kLong + std::chrono::milliseconds(50));
  desk.found.clear();
  for (const RecursionRequest& request : desk.requests) {
    desk.take(request.ticket, answer_for("n0.bomb.test.", 30));
  }
  CHECK(desk.client.waiting() == 0);
  auto sent =
      std::count_if(desk.found.begin(), desk.found.end(), [](const FoundAnswer& each) { return !each.dropped; });
  CHECK(sent == WaitLimits::kMostLate);
  // Who is known to be where it says is not held up, nor is this host itself.
  desk.requests.clear();
  desk.place.client_known = true;
  for (int i = 0; i < 300; ++i) desk.ask("n" + std::to_string(i) + ".bomb.test.", type::kA);
  CHECK(desk.requests.size() == 300);
}
