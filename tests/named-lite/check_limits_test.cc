#include "tests/named-lite/snapshot_support.h"

using namespace umaya;
using namespace umaya::named;
using namespace umaya::named::testing;

namespace {

std::string many(size_t count, const std::string& before, const std::string& after) {
  std::string text;
  for (size_t i = 0; i < count; ++i) text += before + std::to_string(i) + after + "\n";
  return text;
}

struct Loaded {
  bool good;
  std::string errors;
};

Loaded load(const std::string& limits, const std::string& zone) {
  Directory dir;
  dir.write("z", zone);
  dir.write("conf", dir.options(limits) + "zone \"ex.test\" { type primary; file \"z\"; };\n");
  SnapshotResult built = build_snapshot(dir.path("conf"), nullptr);
  REQUIRE(built.snapshot);
  Loaded loaded{built.snapshot->views[0]->catalog.image_of(std::string(name("ex.test").wire())) != nullptr, {}};
  std::string front = dir.path("z") + ":";
  for (const LogLine& line : built.lines) {
    if (line.level == log::Level::error && line.text.starts_with(front))
      loaded.errors += line.text.substr(front.size()) + "\n";
  }
  return loaded;
}

}  // namespace

TEST_CASE("limits: a zone with more than max-records, its kin or their defaults is not loaded, and its place is told",
          "[named][checker]") {
  struct Row {
    std::string limits;
    std::string zone;
    std::string errors;  ///< empty: it is loaded
  };
  const Row rows[] = {
      {"", kGood + many(100, "big A 192.0.2.", ""), ""},
      {"", kGood + many(101, "big A 192.0.2.", ""),
       "5: the name has 101 records of type A: more than max-records-per-type (100)\n"},
      {"max-records-per-type 0;", kGood + many(200, "big A 192.0.2.", ""), ""},
      {"max-records-per-type 2;", kGood + "x A 192.0.2.1\nx A 192.0.2.2\nx TXT a\nx A 192.0.2.3\n",
       "5: the name has 3 records of type A: more than max-records-per-type (2)\n"},
      {"", kGood + many(100, "x TYPE65", " \\# 1 00"), ""},
      {"", kGood + many(90, "x TYPE65", " \\# 1 00") + many(11, "x TYPE64", " \\# 1 00"),
       "5: the name has 101 types: more than max-types-per-name (100)\n"},
      {"max-records 4;", kGood + "x A 192.0.2.1\n", ""},
      {"max-records 4;", kGood + "x A 192.0.2.1\ny A 192.0.2.1\nz A 192.0.2.1\n",
       "6: the zone has 6 records: more than max-records (4)\n"},
  };
  for (const Row& row : rows) {
    Loaded loaded = load(row.limits, row.zone);
    INFO(row.limits << " " << row.zone.substr(kGood.size(), 40));
    CHECK(loaded.good == row.errors.empty());
    CHECK(loaded.errors == row.errors);
  }
}
