#include "named-lite/zone/change_image.h"

#include <algorithm>
#include <map>
#include <random>
#include <set>

#include "named-lite/transfer/zone_stream.h"
#include "named-lite/zone/image_records.h"
#include "tests/named-lite/zone_support.h"

using namespace umaya;
using namespace umaya::named;
using namespace umaya::named::testing;

namespace {

constexpr uint32_t kTtl = 60;

ZoneRecord record(const std::string& owner, const std::string& type, const std::string& data) {
  Problems problems;
  RecordList list =
      parse_zone_text("$TTL 60\n" + owner + " " + type + " " + data + "\n", "r", {name("z.test."), {}}, problems);
  REQUIRE(list.records().size() == 1);
  const Record& one = list.records()[0];
  return {std::string(list.owner(one)), one.type, one.ttl, std::string(list.rdata(one))};
}

ZoneRecord soa(uint32_t serial) {
  return record("@", "SOA", "ns1 root " + std::to_string(serial) + " 2 3 4 5");
}

/// A zone that is written down as its records, the SOA first.
struct Model {
  std::vector<ZoneRecord> records;

  ImagePtr compiled() const {
    RecordList list(name("z.test."));
    uint16_t file = list.add_file("m");
    for (const ZoneRecord& each : records) {
      list.set_owner(each.owner);
      list.add(each.type, each.ttl, each.rdata, file, 0, 0);
    }
    return std::make_shared<const ZoneImage>(compile_zone(list, 7));
  }
  void apply(const ZoneChange& change) {
    for (const ZoneRecord& gone : change.removed) records.erase(std::find(records.begin(), records.end(), gone));
    records.insert(records.end(), change.added.begin(), change.added.end());
  }
};

/// Large enough for a memfd with room behind it, but of few names.
Model large_model() {
  Model model;
  model.records.push_back(soa(1));
  model.records.push_back(record("@", "NS", "ns1"));
  model.records.push_back(record("ns1", "A", "192.0.2.1"));
  for (int i = 0; i < 20; ++i) {
    std::string rdata;
    for (int k = 0; k < 250; ++k) rdata += '\xFA' + std::string(250, static_cast<char>('a' + i));
    model.records.push_back({record("big" + std::to_string(i), "A", "192.0.2.1").owner, type::kTxt, kTtl, rdata});
  }
  return model;
}

std::vector<std::string> universe() {
  std::vector<std::string> labels = {"a", "b", "c", "*"};
  std::vector<std::string> names = {"@"};
  for (const auto& x : labels) {
    names.push_back(x);
    for (const auto& y : labels) {
      names.push_back(y + "." + x);
      for (const auto& z : labels) names.push_back(z + "." + y + "." + x);
    }
  }
  return names;
}

const Node* find(const ZoneImage& image, const std::string& relative) {
  std::string lower(name(relative == "@" ? "z.test." : relative + ".z.test.").lower().wire());
  SuffixHashes hashes(lower, image.seed());
  return image.find(lower, hashes.hash(hashes.labels()));
}

std::string described(const ZoneImage& image, const Node* node) {
  if (node == nullptr) return "-";
  std::string text = std::to_string(node->flags) + "/" + std::to_string(node->above) + "/" +
                     std::to_string(node->children()) + ":" + std::to_string(node->rrset_count);
  for (const ZoneRecord& each : records_at(image, *node)) {
    text += " " + std::to_string(each.type) + "," + std::to_string(each.ttl) + "," + each.rdata;
  }
  return text;
}

std::string answer(const ImagePtr& image, const std::string& packet) {
  Catalog catalog(7);
  catalog.add({std::string(name("z.test.").wire()), image});
  AnswerContext context;
  context.catalog = &catalog;
  context.transport = Transport::tcp;
  std::string out(kMostAnswer, '\0');
  out.resize(answer_packet(packet, context, out));
  return out;
}

void require_same_answers(const ImagePtr& a, const ImagePtr& b) {
  for (const std::string& each : universe()) {
    std::string owner = each == "@" ? "z.test." : each + ".z.test.";
    REQUIRE(described(*a, find(*a, each)) == described(*b, find(*b, each)));
    for (uint16_t type : {type::kA, type::kMx, type::kNs, type::kSrv, type::kDs, type::kAny}) {
      for (const char* before : {"", "q.", "q.r."}) {
        std::string packet = question(before + owner, type);
        REQUIRE(answer(a, packet) == answer(b, packet));
      }
    }
  }
}

std::multiset<std::string> transferred(const ImagePtr& image) {
  std::string packet = question("z.test.", type::kAxfr);
  Query query;
  REQUIRE(parse_query(packet, query) == ParsedAs::answer);
  ZoneStream stream(image, query, packet);
  std::multiset<std::string> all;
  std::string out(65535, '\0');
  while (!stream.done()) {
    size_t size = stream.next(out);
    REQUIRE(size > 0);
    for (std::string& line : decode(std::string_view(out).substr(0, size)).sections[0]) all.insert(std::move(line));
  }
  return all;
}

class RandomChanges {
 public:
  explicit RandomChanges(uint32_t seed) : random_(seed) {}

  ZoneChange next(const Model& model, uint32_t serial) {
    ZoneChange change{serial, serial + 1, {soa(serial)}, {soa(serial + 1)}};
    for (size_t i = pick(4); i > 0; --i) {
      const ZoneRecord& each = model.records[pick(model.records.size())];
      bool taken = std::find(change.removed.begin(), change.removed.end(), each) != change.removed.end();
      if (each.type != type::kSoa && each.rdata.size() < 1000 && !taken) change.removed.push_back(each);
    }
    for (size_t i = pick(5); i > 0; --i) {
      ZoneRecord fresh = any_record();
      auto among = [&](const std::vector<ZoneRecord>& records) {
        return std::find(records.begin(), records.end(), fresh) != records.end();
      };
      bool there = among(model.records) && !among(change.removed);
      if (!there && !among(change.added)) change.added.push_back(std::move(fresh));
    }
    return change;
  }

 private:
  size_t pick(size_t below) { return std::uniform_int_distribution<size_t>(0, below - 1)(random_); }
  ZoneRecord any_record() {
    const std::string owner = names_[1 + pick(names_.size() - 1)];
    const std::string target = names_[pick(names_.size())];
    switch (pick(24)) {
      case 0:
        return record(owner, "NS", target);
      case 1:
        return record(owner, "DNAME", target);
      case 2:
      case 3:
        return record(owner, "CNAME", target);
      case 4:
      case 5:
      case 6:
        return record(owner, "MX", std::to_string(pick(3)) + " " + target);
      case 7:
      case 8:
        return record(owner, "SRV", "1 2 3 " + target);
      case 9:
        return record(owner, "TXT", "t" + std::to_string(pick(3)));
      default:
        return record(owner, "A", "10.0.0." + std::to_string(pick(4)));
    }
  }

  std::mt19937 random_;
  std::vector<std::string> names_ = universe();
};

}  // namespace

TEST_CASE("change image: random changes give what compiling the result gives", "[named][image]") {
  size_t in_place = 0;
  size_t steps = 0;
  for (uint32_t seed : {1u, 2u, 3u}) {
    Model model = large_model();
    ImagePtr image = model.compiled();
    RandomChanges changes(seed);
    for (uint32_t serial = 1; serial <= 60; ++serial, ++steps) {
      ZoneChange change = changes.next(model, serial);
      auto next = apply_change(image, change, 0);
      REQUIRE(next);
      model.apply(change);
      ImagePtr scratch = model.compiled();
      in_place += &(*next)->memory() == &image->memory();
      REQUIRE((*next)->validate());
      REQUIRE((*next)->header().serial == serial + 1);
      REQUIRE((*next)->header().node_count == scratch->header().node_count);
      REQUIRE((*next)->header().record_count == scratch->header().record_count);
      require_same_answers(*next, scratch);
      if (serial % 10 == 0) REQUIRE(transferred(*next) == transferred(scratch));
      image = *next;
    }
    require_same_answers(merged(*image), image);
  }
  CHECK(in_place > steps / 2);
}

TEST_CASE("change image: an older version stays as it was, also where another process has mapped it",
          "[named][image]") {
  Model model = large_model();
  ImagePtr first = model.compiled();
  int fd = first->memory().fd();
  REQUIRE(fd >= 0);
  auto elsewhere = ZoneImage::map(fd, 0, first->bytes().size());
  REQUIRE(elsewhere);
  std::string before(first->bytes());
  auto second = apply_change(first, {1, 2, {soa(1), record("ns1", "A", "192.0.2.1")}, {soa(2)}}, 0);
  REQUIRE(second);
  REQUIRE(&(*second)->memory() == &first->memory());
  CHECK(first->bytes() == before);
  CHECK((*elsewhere)->bytes() == before);
  CHECK(find(**elsewhere, "ns1") != nullptr);
  CHECK(find(**second, "ns1") == nullptr);
  auto second_elsewhere = ZoneImage::map(fd, 0, (*second)->bytes().size());
  REQUIRE(second_elsewhere);
  CHECK((*second_elsewhere)->header().serial == 2);
  CHECK(find(**second_elsewhere, "ns1") == nullptr);
}

TEST_CASE("change image: two changes of one version do not touch one another", "[named][image]") {
  ImagePtr first = large_model().compiled();
  auto left = apply_change(first, {1, 2, {soa(1)}, {soa(2), record("left", "A", "10.0.0.1")}}, 0);
  auto right = apply_change(first, {1, 3, {soa(1)}, {soa(3), record("right", "A", "10.0.0.1")}}, 0);
  REQUIRE(left);
  REQUIRE(right);
  CHECK(&(*right)->memory() != &first->memory());
  CHECK(find(**left, "left") != nullptr);
  CHECK(find(**left, "right") == nullptr);
  CHECK(find(**right, "right") != nullptr);
  CHECK(find(**right, "left") == nullptr);
  CHECK((*left)->validate());
  CHECK((*right)->validate());
}

TEST_CASE("change image: a record that is not there cannot be removed, and nothing else happens", "[named][image]") {
  ImagePtr first = large_model().compiled();
  for (size_t large : {size_t{0}, kLargeZone}) {
    CHECK_FALSE(apply_change(first, {1, 2, {soa(1), record("ns1", "A", "192.0.2.99")}, {soa(2)}}, large));
    CHECK_FALSE(apply_change(first, {1, 2, {soa(1), record("none", "A", "192.0.2.1")}, {soa(2)}}, large));
    CHECK_FALSE(apply_change(first, {1, 2, {soa(1)}, {}}, large));
    CHECK_FALSE(apply_change(first, {1, 2, {}, {record("x.else.", "A", "192.0.2.1")}}, large));
  }
  CHECK(first->header().serial == 1);
}

TEST_CASE("change image: names are told apart without regard to case, and new ones keep theirs", "[named][image]") {
  ImagePtr first = large_model().compiled();
  auto next = apply_change(first,
                           {1,
                            2,
                            {soa(1), record("NS1", "A", "192.0.2.1"), record("@", "NS", "NS1")},
                            {soa(2), record("New.Name", "A", "10.0.0.1"), record("@", "NS", "new.name")}},
                           0);
  REQUIRE(next);
  CHECK(find(**next, "ns1") == nullptr);
  const Node* made = find(**next, "new.name");
  REQUIRE(made != nullptr);
  CHECK(name_text((*next)->written_name(*made)) == "New.Name.z.test.");
  CHECK((*next)->target((*next)->apex(), *(*next)->apex().find(type::kNs), 0) == made);
}

TEST_CASE("change image: when the room is used up, the zone is written anew and goes on", "[named][image]") {
  ImagePtr image = large_model().compiled();
  size_t moved = 0;
  for (uint32_t serial = 1; serial <= 1200; ++serial) {
    std::string rdata;
    for (int k = 0; k < 40; ++k) rdata += '\xFA' + std::string(250, static_cast<char>('a' + serial % 26));
    ZoneRecord text{record("changing", "A", "192.0.2.1").owner, type::kTxt, kTtl, rdata};
    ZoneChange change{serial, serial + 1, {soa(serial)}, {soa(serial + 1), text}};
    if (serial > 1) {
      rdata.clear();
      for (int k = 0; k < 40; ++k) rdata += '\xFA' + std::string(250, static_cast<char>('a' + (serial - 1) % 26));
      change.removed.push_back({text.owner, type::kTxt, kTtl, rdata});
    }
    auto next = apply_change(image, change, 0);
    REQUIRE(next);
    moved += &(*next)->memory() != &image->memory();
    image = *next;
    REQUIRE(image->bytes().size() < 6'500'000);
  }
  CHECK(moved > 0);
  CHECK(moved < 10);
  CHECK(image->validate());
}

TEST_CASE("change image: small zones are compiled anew", "[named][image]") {
  Model model;
  model.records = {soa(1), record("@", "NS", "ns1"), record("ns1", "A", "192.0.2.1")};
  ImagePtr first = model.compiled();
  auto next = apply_change(first, {1, 2, {soa(1)}, {soa(2), record("a.b.c", "A", "10.0.0.1")}});
  REQUIRE(next);
  CHECK((*next)->header().changes == 0);
  CHECK(find(**next, "b.c") != nullptr);
  CHECK(records_of(**next).records().size() == 4);
}
