#include "named-lite/transfer/zone_copy.h"

#include <filesystem>
#include <fstream>

#include "named-lite/transfer/zone_file.h"
#include "named-lite/update/replay.h"
#include "named-lite/zone/zone_loader.h"
#include "tests/named-lite/update_support.h"
#include "tests/support/temp_directory.h"

using namespace umaya;
using namespace umaya::named;
using namespace umaya::named::testing;

namespace {

const ZoneId kId{"_default", std::string(name("ex.test.").wire())};

std::string soa_line(uint32_t serial) {
  return "@ SOA ns1 root " + std::to_string(serial) + " 2 3 4 5";
}

std::string zone_text(uint32_t serial, const std::string& more = "") {
  return "$TTL 60\n" + soa_line(serial) + "\n@ NS ns1\nns1 A 192.0.2.1\n" + more;
}

RecordList list_of(const std::string& text) {
  return records_of(*image_of(text));
}

ZoneChange step(uint32_t from, uint32_t to, const std::vector<std::string>& goes,
                const std::vector<std::string>& comes) {
  ZoneChange change{from, to, {record(soa_line(from))}, {record(soa_line(to))}};
  for (const std::string& line : goes) change.removed.push_back(record(line));
  for (const std::string& line : comes) change.added.push_back(record(line));
  return change;
}

/// A secondary zone in a directory of its own.
class Copy {
 public:
  Copy() {
    copy.id = kId;
    copy.path = directory_ / "ex.test";
    open();
  }
  /// As after a restart: the journal anew, the zone from the disk. Empty: no zone.
  Lines restarted() {
    copy.journal.reset();
    open();
    if (file_time(copy.path) == 0) return {};
    Problems problems;
    ImagePtr file =
        load_zone_file({.name = name("ex.test."), .directory = directory_.path(), .file = "ex.test"}, 7, problems)
            .image;
    REQUIRE(file);
    auto replayed = replay_journal(*copy.journal, kId, file, FileRule::file_counts);
    REQUIRE(replayed);
    return lines_of(*replayed->image);
  }
  CopyResult take(const std::string& text) {
    CopyResult result = take_zone(copy, list_of(text), image, 7);
    if (result.image) image = result.image;
    return result;
  }
  CopyResult take(const std::vector<ZoneChange>& steps) {
    CopyResult result = take_steps(copy, image, steps);
    if (result.image) image = result.image;
    return result;
  }
  JournalState state() {
    auto state = copy.journal->state(kId);
    REQUIRE(state);
    return state->value_or(JournalState{});
  }
  void rewrite_file(const std::string& text) { std::ofstream(copy.path) << text; }

  ZoneCopy copy;
  ImagePtr image;

 private:
  void open() {
    auto journal = Journal::open(directory_ / "j");
    REQUIRE(journal);
    copy.journal = std::move(*journal);
  }
  test::TempDirectory directory_;
};

}  // namespace

TEST_CASE("zone copy: a whole zone and the steps behind it come back after a restart", "[named][ixfr]") {
  Copy zone;
  CHECK(zone.take(zone_text(5, "a A 192.0.2.5\n")).saved);
  CopyResult changed = zone.take({step(5, 6, {"a A 192.0.2.5"}, {"b A 192.0.2.6"}), step(6, 9, {}, {"c A 192.0.2.7"})});
  CHECK(changed.error.empty());
  CHECK_FALSE(changed.saved);
  Lines now = lines_of(*zone.image);
  CHECK(now == lines_of(*image_of(zone_text(9, "b A 192.0.2.6\nc A 192.0.2.7\n"))));
  CHECK(zone.restarted() == now);
  CHECK(zone.state().steps() == 2);
  REQUIRE(save_copy(zone.copy, *zone.image));
  CHECK(zone.restarted() == now);
  CHECK(zone.state().file_serial == 9);
  CHECK(zone.state().steps() == 2);  // for secondaries of ours
}

TEST_CASE("zone copy: a large zone is changed in place", "[named][ixfr]") {
  Copy zone;
  zone.take(zone_text(5, "a A 192.0.2.5\n"));
  CopyResult changed = take_steps(zone.copy, zone.image, {step(5, 6, {"a A 192.0.2.5"}, {"b A 192.0.2.6"})}, 1);
  REQUIRE(changed.image);
  CHECK(lines_of(*changed.image) == lines_of(*image_of(zone_text(6, "b A 192.0.2.6\n"))));
}

TEST_CASE("zone copy: D22 steps that do not fit the zone change nothing", "[named][ixfr]") {
  Copy zone;
  zone.take(zone_text(5, "a A 192.0.2.5\n"));
  ImagePtr before = zone.image;
  auto refused = [&](const ZoneChange& change) {
    CopyResult result = zone.take({change});
    CHECK(zone.image == before);
    CHECK(zone.state().steps() == 0);
    return result.error;
  };
  CHECK(refused(step(5, 6, {"missing A 192.0.2.5"}, {})) == "missing.ex.test. A is to be removed, and is not there");
  CHECK(refused(step(5, 6, {"a A 192.0.2.99"}, {})) == "a.ex.test. A is to be removed, and is not there");
  CHECK(refused(step(5, 6, {}, {"a A 192.0.2.5"})) == "a.ex.test. A is to be added, and is there already");
  CHECK(refused(step(5, 6, {}, {"a CNAME ns1"})) == "CNAME and other data at a.ex.test.");
  CHECK(refused(step(5, 6, {}, {"c CNAME ns1", "c CNAME a"})) == "two CNAME at c.ex.test.");
  CHECK(refused(step(5, 6, {"@ NS ns1"}, {})) == "the zone has no name server (NS) at its own name");
  CHECK(refused(step(4, 6, {}, {})).find("the change begins at serial 4") != std::string::npos);
  ZoneChange change = step(5, 6, {}, {});
  change.added.erase(change.added.begin());
  CHECK(refused(change) == "the change does not put one SOA in the place of another");  // the SOA is deleted
  change = step(5, 6, {}, {});
  change.added.push_back(record(soa_line(7)));
  CHECK_FALSE(refused(change).empty());  // two SOA
  change = step(5, 6, {}, {});
  change.added.push_back(record("a A 192.0.2.5"));
  change.added.back().owner = std::string(name("a.other.test.").wire());
  CHECK(refused(change) == "a.other.test. A is outside of the zone");
}

TEST_CASE("zone copy: D22 a whole zone with errors changes nothing", "[named][ixfr]") {
  Copy zone;
  zone.take(zone_text(5));
  ImagePtr before = zone.image;
  RecordList bad = list_of(zone_text(6));
  bad.set_owner(std::string(name("ns1.ex.test.").wire()));
  bad.add(type::kCname, 60, name("a.").wire(), 0, 0, 0);
  CopyResult result = take_zone(zone.copy, bad, before, 7);
  CHECK_FALSE(result.image);
  CHECK(result.error.find("CNAME and A at ns1") != std::string::npos);
  CHECK(zone.restarted() == lines_of(*before));
}

TEST_CASE("zone copy: a whole zone behind steps is never mixed with them", "[named][ixfr]") {
  Copy zone;
  zone.take(zone_text(5));
  zone.take({step(5, 6, {}, {"a A 192.0.2.5"}), step(6, 7, {}, {"b A 192.0.2.6"})});
  SECTION("a newer one") {
    zone.take(zone_text(8, "c A 192.0.2.7\n"));
    CHECK(zone.state().steps() == 0);
    CHECK(zone.restarted() == lines_of(*zone.image));
    SECTION("and steps behind it") {
      zone.take({step(8, 9, {"c A 192.0.2.7"}, {})});
      CHECK(zone.restarted() == lines_of(*image_of(zone_text(9))));
    }
  }
  SECTION("one with a serial that the journal knows, with other data") {
    zone.take(zone_text(6, "other A 192.0.2.8\n"));
    CHECK(zone.restarted() == lines_of(*image_of(zone_text(6, "other A 192.0.2.8\n"))));
  }
  SECTION("a crash between the file and the end of the journal") {
    zone.rewrite_file(zone_text(8, "c A 192.0.2.7\n"));
    CHECK(zone.restarted() == lines_of(*image_of(zone_text(8, "c A 192.0.2.7\n"))));
    CHECK(zone.state().steps() == 0);
  }
  SECTION("a crash between the file and the note that it was written") {
    Lines now = lines_of(*zone.image);
    zone.rewrite_file(zone_text(7, "a A 192.0.2.5\nb A 192.0.2.6\n"));
    CHECK(zone.restarted() == now);
    CHECK(zone.state().file_serial == 7);
  }
}

TEST_CASE("zone copy: with ixfr-from-differences a whole zone is a step of the journal", "[named][ixfr]") {
  Copy zone;
  zone.copy.differences = true;
  zone.take(zone_text(5, "a A 192.0.2.5\n"));
  zone.take(zone_text(8, "b A 192.0.2.6\n"));
  auto steps = zone.copy.journal->since(kId, 5, UINT64_MAX);
  REQUIRE(steps);
  REQUIRE(*steps);
  REQUIRE((*steps)->size() == 1);
  CHECK((**steps)[0].removed.size() == 2);
  CHECK(zone.restarted() == lines_of(*zone.image));
  zone.take({step(8, 9, {}, {"c A 192.0.2.7"})});
  zone.take(zone_text(3));  // forced, and backwards
  CHECK(zone.state().steps() == 0);
  CHECK(zone.restarted() == lines_of(*image_of(zone_text(3))));
}

TEST_CASE("zone copy: without a file the journal is there for others, and does not grow", "[named][ixfr]") {
  Copy zone;
  zone.copy.path.clear();
  zone.copy.most_journal = 2000;
  zone.take(zone_text(1));
  for (uint32_t serial = 1; serial < 100; ++serial) {
    CopyResult result = zone.take(
        {step(serial, serial + 1, {}, {"n" + std::to_string(serial) + " TXT \"some words that take room\""})});
    REQUIRE(result.image);
    CHECK(result.saved);
  }
  CHECK(zone.state().octets < 3000);
  CHECK(zone.state().steps() > 3);
}

TEST_CASE("zone copy: a journal that ends elsewhere gives way to the file", "[named][ixfr]") {
  Copy zone;
  zone.take(zone_text(5));
  ZoneChange other = step(5, 6, {}, {"x A 192.0.2.9"});
  REQUIRE(zone.copy.journal->append(kId, {&other, 1}, UINT64_MAX));  // of a zone that was not served in the end
  CopyResult result = zone.take({step(5, 7, {}, {"a A 192.0.2.5"})});
  REQUIRE(result.image);
  CHECK(result.saved);
  CHECK(zone.restarted() == lines_of(*image_of(zone_text(7, "a A 192.0.2.5\n"))));
}
