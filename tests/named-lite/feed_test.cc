#include <dirent.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include <algorithm>

#include "libcommon/log/log.h"
#include "named-lite/feed/publisher.h"
#include "named-lite/feed/receiver.h"
#include "named-lite/query/pending.h"
#include "named-lite/zone/change_image.h"
#include "named-lite/zone/image_records.h"
#include "tests/named-lite/zone_support.h"

using namespace umaya;
using namespace umaya::named;
using namespace umaya::named::testing;

namespace {

std::string zone_text_of(int serial) {
  return "$TTL 60\n@ SOA ns root " + std::to_string(serial) + " 2 3 4 5\n@ NS ns\nns A 192.0.2.1\n";
}

ImagePtr image(const std::string& apex, int serial) {
  return ImagePtr(check(apex, zone_text_of(serial)).image);
}

std::string wire(const std::string& text) {
  return std::string(name(text).wire());
}

ConfigFiles config_of(std::string text) {
  ConfigFiles files;
  files.files.push_back({"named.conf", std::move(text)});
  return files;
}

/// A snapshot with one view and these zones, each with serial 1.
std::shared_ptr<Snapshot> snapshot_of(const ConfigFiles& config, const std::vector<std::string>& zones) {
  Problems problems;
  auto snapshot = std::make_shared<Snapshot>(make_snapshot(parse_config_files(config, problems), 7));
  for (const std::string& zone : zones) snapshot->views[0]->catalog.add({wire(zone), image(zone, 1)});
  return snapshot;
}

size_t open_descriptors() {
  size_t count = 0;
  DIR* directory = opendir("/proc/self/fd");
  while (readdir(directory) != nullptr) ++count;
  closedir(directory);
  return count;
}

/// A publisher and a receiver with a pair of sockets between them.
class Pair {
 public:
  Pair() {
    auto pair = socket_pair();
    REQUIRE(pair);
    auto to_source = [this](ipc::Packet packet) { publisher.done(1, *ipc::decode<FeedDone>(packet.bytes)); };
    source_ = std::make_unique<Link>(std::move(pair->first), to_source, [] {});
    auto to_sink = [this](ipc::Packet packet) {
      auto exchanged = receiver.take(packet.bytes, std::move(packet.fds));
      REQUIRE(exchanged);
      if (!*exchanged) return;
      ++commits;
      FeedDone done;
      done.number = receiver.number();
      sink_->post(ipc::encode(done));
    };
    sink_ = std::make_unique<Link>(std::move(pair->second), to_sink, [] {});
    publisher.connect(1, *source_);
  }
  ~Pair() { publisher.disconnect(1); }
  void settle() { REQUIRE(event::run_until_done(publisher.settled(std::chrono::seconds(20)))); }
  uint32_t serial(const std::string& zone) const {
    ImagePtr data = receiver.snapshot()->views[0]->catalog.image_of(wire(zone));
    return data ? data->header().serial : 0;
  }

  std::vector<std::string> moved;
  Publisher publisher{[this](size_t, const std::string& zone, const ImagePtr&) { moved.push_back(zone); }};
  FeedReceiver receiver;
  int commits = 0;

 private:
  std::unique_ptr<Link> source_, sink_;
};

}  // namespace

TEST_CASE("feed: zones and configuration arrive, changes of single zones follow", "[named][feed]") {
  ConfigFiles config = config_of("options { max-udp-size 1400; };");
  Pair pair;
  auto snapshot = snapshot_of(config, {"a.test.", "b.test."});
  snapshot->views[0]->catalog.add({wire("empty.test."), nullptr});
  pair.publisher.configure(ipc::encode(config), *snapshot);
  pair.settle();
  CHECK(pair.receiver.snapshot()->views[0]->conf.answer.max_udp_size == 1400);
  CHECK(pair.serial("a.test.") == 1);
  CHECK(pair.receiver.snapshot()->views[0]->catalog.contains(wire("empty.test.")));
  CHECK(pair.serial("empty.test.") == 0);
  CHECK(pair.moved.size() == 2);

  pair.publisher.change(0, wire("b.test."), image("b.test.", 2));
  pair.publisher.change(0, wire("empty.test."), image("empty.test.", 3));
  pair.publisher.change(0, wire("nobody.test."), image("nobody.test.", 3));
  pair.settle();
  CHECK(pair.serial("a.test.") == 1);
  CHECK(pair.serial("b.test.") == 2);
  CHECK(pair.serial("empty.test.") == 3);
  CHECK(pair.commits == 2);

  pair.publisher.change(0, wire("b.test."), nullptr);
  pair.settle();
  CHECK(pair.serial("b.test.") == 0);
  CHECK(pair.receiver.snapshot()->views[0]->catalog.contains(wire("b.test.")));
}

TEST_CASE("feed: a reload exchanges everything at once, and what did not change keeps its place", "[named][feed]") {
  ConfigFiles config = config_of("options { };");
  Pair pair;
  auto snapshot = snapshot_of(config, {"a.test.", "b.test."});
  pair.publisher.configure(ipc::encode(config), *snapshot);
  pair.settle();
  SnapshotPtr before = pair.receiver.snapshot();
  auto next = snapshot_of(config, {"b.test.", "c.test."});
  next->views[0]->catalog.replace(wire("b.test."), snapshot->views[0]->catalog.image_of(wire("b.test.")));
  pair.moved.clear();
  pair.publisher.configure(ipc::encode(config), *next);
  pair.settle();
  CHECK(pair.receiver.snapshot() != before);
  CHECK_FALSE(pair.receiver.snapshot()->views[0]->catalog.contains(wire("a.test.")));
  CHECK(pair.serial("b.test.") == 1);
  CHECK(pair.serial("c.test.") == 1);
}

TEST_CASE("feed: a large zone is not copied, and its next version is read where the first one lies", "[named][feed]") {
  std::string text = zone_text_of(1);
  for (int i = 0; i < 30'000; ++i) text += "h" + std::to_string(i) + " A 192.0.2.7\n";
  ImagePtr large(check("a.test.", text).image);
  REQUIRE(large->memory().fd() >= 0);
  ConfigFiles config = config_of("options { };");
  Pair pair;
  auto snapshot = snapshot_of(config, {"b.test."});
  snapshot->views[0]->catalog.add({wire("a.test."), large});
  pair.publisher.configure(ipc::encode(config), *snapshot);
  pair.settle();
  auto served = [&] { return pair.receiver.snapshot()->views[0]->catalog.image_of(wire("a.test.")); };
  const char* base = served()->bytes().data();
  size_t descriptors = open_descriptors();
  std::vector<ZoneRecord> apex = records_at(*large, large->apex());
  ZoneRecord soa = *std::find_if(apex.begin(), apex.end(), [](const ZoneRecord& each) { return each.type == 6; });
  for (uint32_t i = 0; i < 50; ++i) {
    ZoneChange change{i + 1, i + 2, {soa}, {}};
    soa.rdata[soa.rdata.size() - 17] = static_cast<char>(i + 2);  // the last octet of the serial
    change.added = {soa, {wire("n" + std::to_string(i) + ".a.test."), 1, 60, "\1\2\3\4"}};
    auto next = apply_change(large, change);
    REQUIRE(next);
    REQUIRE((*next)->shared_memory() == large->shared_memory());
    large = *next;
    pair.publisher.change(0, wire("a.test."), large);
    pair.settle();
    REQUIRE(served()->header().record_count == 30'004u + i);
    REQUIRE(served()->bytes().data() == base);
  }
  CHECK(open_descriptors() == descriptors);
  CHECK(served()->validate());
  // The process that serves cannot write into it.
  CHECK(mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, large->memory().fd(), 0) == MAP_FAILED);

  pair.publisher.change(0, wire("a.test."), nullptr);
  pair.settle();
  pair.publisher.change(0, wire("a.test."), large);
  pair.settle();
  CHECK(served()->header().record_count == large->header().record_count);
}

TEST_CASE("feed: many small zones need few descriptors, also when they change one by one", "[named][feed]") {
  ConfigFiles config = config_of("options { };");
  Pair pair;
  std::vector<std::string> zones;
  for (int i = 0; i < 2000; ++i) zones.push_back("z" + std::to_string(i) + ".test.");
  size_t before = open_descriptors();
  pair.publisher.configure(ipc::encode(config), *snapshot_of(config, zones));
  pair.settle();
  CHECK(open_descriptors() <= before + 4);
  for (int i = 0; i < 600; ++i) {
    pair.publisher.change(0, wire(zones[static_cast<size_t>(i)]), image(zones[static_cast<size_t>(i)], 2));
    pair.settle();
  }
  CHECK(open_descriptors() <= before + ImageStore::kMostSharedFiles + 8);
  for (int i = 0; i < 2000; ++i) REQUIRE(pair.serial(zones[static_cast<size_t>(i)]) == (i < 600 ? 2 : 1));
}

namespace {

/// What a receiver says to one message; the descriptors are sealed files with these contents.
bool takes(FeedReceiver& receiver, const std::string& bytes, const std::vector<std::string>& contents = {}) {
  std::vector<Fd> fds;
  for (const std::string& content : contents) fds.push_back(std::move(*sealed_file("test", content)));
  return receiver.take(bytes, std::move(fds)).has_value();
}

template <class Message>
std::string message(auto... fields) {
  return ipc::encode(Message{fields...});
}

}  // namespace

TEST_CASE("feed: what is not as it must be is refused, and the zones of before stay", "[named][feed]") {
  const std::string config = ipc::encode(config_of("options { };"));
  const ImagePtr data = image("a.test.", 1);
  const std::string file(data->bytes());
  auto zones = [&](FeedZone zone) {
    FeedZones list;
    list.zones.push_back(std::move(zone));
    return ipc::encode(list);
  };
  auto begun = [&] {
    FeedReceiver receiver;
    REQUIRE(takes(receiver, message<FeedBegin>(1ul, 7ul, true), {config}));
    REQUIRE(takes(receiver, message<FeedFile>(5ul, file.size()), {file}));
    return receiver;
  };
  FeedReceiver good = begun();
  REQUIRE(takes(good, zones({0, wire("a.test."), 5, 0, file.size()})));
  REQUIRE(takes(good, message<FeedCommit>(1ul, 1ul)));
  REQUIRE(good.snapshot());

  auto refused = [&](const std::string& bytes, const std::vector<std::string>& contents = {}) {
    FeedReceiver receiver = begun();
    return !takes(receiver, bytes, contents) && !receiver.snapshot();
  };
  CHECK(refused("nonsense"));
  CHECK(refused(message<FeedBegin>(2ul, 7ul, true), {config}));
  CHECK(refused(message<FeedFile>(6ul, 3ul), {file}));
  CHECK(refused(message<FeedFile>(6ul, file.size())));
  CHECK(refused(zones({1, wire("a.test."), 5, 0, file.size()})));
  CHECK(refused(zones({0, "a.test.", 5, 0, file.size()})));
  CHECK(refused(zones({0, wire("a.test.").substr(0, 3), 5, 0, file.size()})));
  CHECK(refused(zones({0, wire("a.test."), 6, 0, file.size()})));
  CHECK(refused(zones({0, wire("a.test."), 5, 64, file.size()})));
  CHECK(refused(zones({0, wire("a.test."), 5, UINT64_MAX - 63, file.size()})));
  CHECK(refused(zones({0, wire("a.test."), 5, 0, file.size() - 1})));
  CHECK(refused(message<FeedCommit>(1ul, 1ul)));
  CHECK(refused(message<FeedCommit>(2ul, 0ul)));

  FeedReceiver fresh;
  CHECK_FALSE(takes(fresh, message<FeedBegin>(1ul, 7ul, false)));
  CHECK_FALSE(takes(fresh, message<FeedBegin>(1ul, 7ul, true)));
  CHECK_FALSE(takes(fresh, message<FeedBegin>(1ul, 7ul, true), {"no configuration"}));
  CHECK_FALSE(takes(fresh, message<FeedBegin>(1ul, 7ul, true), {ipc::encode(config_of("options {"))}));

  // What another process can still change is not mapped.
  Fd loose(memfd_create("loose", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  REQUIRE(write(loose.get(), file.data(), file.size()) == static_cast<ssize_t>(file.size()));
  std::vector<Fd> fds;
  fds.push_back(std::move(loose));
  FeedReceiver receiver = begun();
  CHECK_FALSE(receiver.take(message<FeedFile>(6ul, file.size()), std::move(fds)));
}

TEST_CASE("config files: secrets of keys do not reach those that face the network", "[named][feed]") {
  ConfigFiles files = config_of(
      "key \"one\" { algorithm hmac-sha256; secret \"c2VjcmV0\"; };\ninclude \"more\";\n"
      "view \"v\" { key two { algorithm hmac-sha256; /* here */ secret dGhlIG90aGVyIG9uZQ==; }; };\n");
  files.files.push_back({"more", "\n  key three { secret\n \"YW5vdGhlcg==\"; algorithm hmac-sha512; };\n"});
  auto hidden = without_secrets(files);
  REQUIRE(hidden);
  Problems problems;
  NamedConf before = parse_config_files(files, problems);
  NamedConf after = parse_config_files(*hidden, problems);
  CHECK_FALSE(problems.has_errors());
  REQUIRE(before.keys.size() == 3);
  REQUIRE(after.keys.size() == 3);
  for (size_t i = 0; i < 3; ++i) {
    CHECK(after.keys[i].name.wire() == before.keys[i].name.wire());
    CHECK(after.keys[i].secret == std::string(before.keys[i].secret.size(), '\0'));
  }
  std::string all = hidden->files[0].text + hidden->files[1].text;
  for (const char* secret : {"c2VjcmV0", "dGhlIG90aGVyIG9uZQ", "YW5vdGhlcg"}) CHECK(all.find(secret) == all.npos);
}

TEST_CASE("config files: the networks of the host come with the text", "[named][feed]") {
  ConfigFiles files = config_of("options { allow-query { localnets; }; };");
  files.interfaces.push_back({std::string("\x0a\x01\x02\x03", 4), 16});
  files.interfaces.push_back({"bad", 99});
  Problems problems;
  NamedConf conf = parse_config_files(files, problems);
  CHECK(admits(*conf.views[0].settings->allow_query, *net::IpAddress::parse("10.1.200.1")));
  CHECK_FALSE(admits(*conf.views[0].settings->allow_query, *net::IpAddress::parse("127.0.0.1")));
}

TEST_CASE("pending: an answer meets who asked, once, and never somebody else", "[named][pending]") {
  using namespace std::chrono_literals;
  Pending<std::string> pending(2, 5s);
  TimePoint start = monotonic_now();
  auto first = pending.add("first", start);
  auto second = pending.add("second", start + 1s);
  REQUIRE((first && second));
  CHECK_FALSE(pending.add("third", start + 2s));
  CHECK(pending.take(*first) == "first");
  CHECK_FALSE(pending.take(*first));
  auto third = pending.add("third", start + 2s);
  REQUIRE(third);
  CHECK(*third != *first);
  CHECK_FALSE(pending.take(*first));
  std::vector<std::string> expired;
  pending.expire([&](std::string each) { expired.push_back(std::move(each)); }, start + 6s);
  CHECK(expired == std::vector<std::string>{"second"});
  pending.drain([&](std::string each) { expired.push_back(std::move(each)); });
  CHECK(expired.back() == "third");
  CHECK(pending.size() == 0);
}
