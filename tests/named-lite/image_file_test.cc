#include "named-lite/zone/image_file.h"

#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <thread>

#include "named-lite/zone/zone_loader.h"
#include "tests/named-lite/zone_support.h"
#include "tests/support/power_cut.h"
#include "tests/support/temp_directory.h"

using namespace umaya;
using namespace umaya::named;
using namespace umaya::named::testing;

namespace {

void put(const std::string& path, std::string_view text) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << text;
}

std::string get(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// Sets both times of a file that can be set into the past.
void make_old(const std::string& path, int64_t seconds) {
  timespec times[2] = {{seconds, 5}, {seconds, 5}};
  REQUIRE(utimensat(AT_FDCWD, path.c_str(), times, 0) == 0);
}

/// Waits until times of files that were written before are told apart from those of files written now.
void let_clock_tick() {
  std::this_thread::sleep_for(std::chrono::milliseconds(60));
}

std::string zone_text(size_t names) {
  std::string text = "$TTL 60\n@ SOA ns1 root 7 2 3 4 5\n@ NS ns1\nns1 A 192.0.2.1\n@ MX 10 nowhere\n";
  for (size_t i = 0; i < names; ++i) text += "h" + std::to_string(i) + " A 10.0.0.1\n";
  return text;
}

/// A small zone that was read from a file and kept.
struct Kept {
  test::TempDirectory directory;
  std::string source = directory / "z.zone";
  std::string path = directory / "z.zone.nlz";
  Checked zone;
  ImageOrigin origin{"rules", {}};

  Kept() {
    put(source, zone_text(20));
    zone = check("z.test.", *read_source(source, &origin.sources));
    let_clock_tick();
    REQUIRE(save_image(path, *zone.image, origin, zone.problems));
  }
  std::string why_not(std::string_view rules = "rules") const {
    Problems problems;
    auto image = load_image(path, rules, problems);
    return image ? "" : image.error().what;
  }
};

LoadedZone load(const test::TempDirectory& directory, const std::string& file, Problems& problems) {
  return load_zone_file({name("z.test."), directory.path(), file, true}, 7, problems);
}

}  // namespace

TEST_CASE("image file: what is loaded is what was saved, with its warnings", "[named][image]") {
  Kept kept;
  Problems problems;
  auto image = load_image(kept.path, "rules", problems);
  REQUIRE(image);
  CHECK((*image)->bytes() == kept.zone.image->bytes());
  CHECK((*image)->validate());
  REQUIRE(problems.all().size() == kept.zone.problems.all().size());
  CHECK(problems.all()[0].text() == kept.zone.problems.all()[0].text());
  CHECK(saved_seed(kept.path) == 7);
  CHECK(saved_seed(kept.source) == std::nullopt);
}

TEST_CASE("image file: it holds only while its sources and rules are the same", "[named][image]") {
  Kept kept;
  REQUIRE(kept.why_not().empty());
  CHECK(kept.why_not("other rules") == "it was made for another configuration");
  SECTION("written anew with the same size and time") {
    std::string text = get(kept.source);
    struct stat before {};
    REQUIRE(stat(kept.source.c_str(), &before) == 0);
    text[text.size() - 2] = '2';
    put(kept.source, text);
    timespec times[2] = {before.st_atim, before.st_mtim};
    REQUIRE(utimensat(AT_FDCWD, kept.source.c_str(), times, 0) == 0);
    CHECK(kept.why_not() == kept.source + " has changed");
  }
  SECTION("another file of the same content") {
    put(kept.source + ".new", get(kept.source));
    REQUIRE(rename((kept.source + ".new").c_str(), kept.source.c_str()) == 0);
    CHECK(kept.why_not() == kept.source + " has changed");
  }
  SECTION("gone") {
    REQUIRE(unlink(kept.source.c_str()) == 0);
    CHECK(kept.why_not() == kept.source + " has changed");
  }
}

TEST_CASE("image file: damage anywhere and every length that is too short are noticed", "[named][image]") {
  Kept kept;
  std::string sound = get(kept.path);
  size_t padding = 4096 - (sound.size() - kept.zone.image->bytes().size()) % 4096;
  CHECK(padding == 4096);
  size_t unnoticed = 0;
  for (size_t at = 0; at < sound.size(); at += 7) {
    std::string bytes = sound;
    bytes[at] = static_cast<char>(bytes[at] ^ 1);
    put(kept.path, bytes);
    if (kept.why_not().empty()) ++unnoticed;
  }
  // The gap between the description and the image holds nothing.
  CHECK(unnoticed <= 4096 / 7);
  for (size_t size = 0; size < sound.size(); size += 97) {
    put(kept.path, sound.substr(0, size));
    REQUIRE_FALSE(kept.why_not().empty());
  }
  put(kept.path, sound);
  CHECK(kept.why_not().empty());
}

TEST_CASE("image file: one that others may write is not believed", "[named][image]") {
  Kept kept;
  REQUIRE(chmod(kept.path.c_str(), 0620) == 0);
  CHECK(kept.why_not() == "others may write it");
  REQUIRE(chmod(kept.path.c_str(), 0640) == 0);
  CHECK(kept.why_not().empty());
}

TEST_CASE("image file: a source that was changed just now may change again unseen, so nothing is saved",
          "[named][image]") {
  test::TempDirectory directory;
  std::string source = directory / "z.zone";
  put(source, zone_text(5));
  ImageOrigin origin{"rules", {}};
  Checked zone = check("z.test.", *read_source(source, &origin.sources));
  put(source, zone_text(5));
  origin.sources.clear();
  read_source(source, &origin.sources);
  auto saved = save_image(directory / "z.nlz", *zone.image, origin, zone.problems);
  CHECK_FALSE(saved);
  CHECK(access((directory / "z.nlz").c_str(), F_OK) != 0);
}

TEST_CASE("image file: after a power cut it is whole or not there (D33)", "[named][image]") {
  Kept kept;
  Checked newer = check("z.test.", zone_text(30));
  test::TempDirectory root;
  test::PowerCut model(root.path());
  std::string path = root / "z.nlz";
  {
    fs::ScopedCalls scope(model);
    REQUIRE(save_image(path, *kept.zone.image, kept.origin, kept.zone.problems));
    REQUIRE(save_image(path, *newer.image, kept.origin, newer.problems));
  }
  size_t none = 0, older = 0, newest = 0;
  for (test::Survivors survivors :
       {test::Survivors::synced, test::Survivors::names_and_synced, test::Survivors::everything}) {
    for (size_t step = 0; step <= model.steps(); ++step) {
      test::TempDirectory rebuilt;
      model.rebuild(step, survivors, rebuilt.path());
      Problems problems;
      auto image = load_image(rebuilt / "z.nlz", "rules", problems);
      if (!image) {
        ++none;
      } else if ((*image)->bytes() == kept.zone.image->bytes()) {
        ++older;
      } else {
        REQUIRE((*image)->bytes() == newer.image->bytes());
        ++newest;
      }
    }
  }
  CHECK(none > 0);
  CHECK(older > 0);
  CHECK(newest > 0);
}

TEST_CASE("zone loader: a large zone whose files are unchanged is not read again", "[named][image]") {
  test::TempDirectory directory;
  put(directory / "big.zone", zone_text(kLeastKept) + "$INCLUDE more.inc\n");
  put(directory / "more.inc", "extra A 10.0.0.2\n");
  make_old(directory / "big.zone", 1'600'000'000);
  let_clock_tick();
  Problems problems;
  LoadedZone first = load(directory, "big.zone", problems);
  REQUIRE(first.image);
  CHECK_FALSE(first.was_kept);
  CHECK(first.note.empty());
  Problems again;
  LoadedZone second = load(directory, "big.zone", again);
  CHECK(second.was_kept);
  CHECK(second.image->bytes() == first.image->bytes());
  CHECK(again.all().size() == problems.all().size());
  SECTION("an included file that changes is read") {
    put(directory / "more.inc", "extra A 10.0.0.3\nextra2 A 10.0.0.3\n");
    Problems third;
    LoadedZone loaded = load(directory, "big.zone", third);
    CHECK_FALSE(loaded.was_kept);
    CHECK(loaded.image->header().record_count == first.image->header().record_count + 1);
  }
  SECTION("damage means reading the text") {
    std::string kept = get(directory / "big.zone.nlz");
    kept[kept.size() / 2] ^= 1;
    put(directory / "big.zone.nlz", kept);
    Problems third;
    LoadedZone loaded = load(directory, "big.zone", third);
    CHECK_FALSE(loaded.was_kept);
    CHECK(loaded.image->bytes() == first.image->bytes());
  }
}

TEST_CASE("zone loader: the file of a secondary zone may be touched, but not be another one", "[named][image]") {
  test::TempDirectory directory;
  std::string path = directory / "big.zone";
  put(path, zone_text(kLeastKept));
  let_clock_tick();
  ZoneSource source{.name = name("z.test"),
                    .directory = directory.path(),
                    .file = "big.zone",
                    .keep_image = true,
                    .is_touched = true};
  auto was_kept = [&] {
    Problems problems;
    LoadedZone loaded = load_zone_file(source, 7, problems);
    REQUIRE(loaded.image);
    return loaded.was_kept;
  };
  CHECK_FALSE(was_kept());
  if (!was_kept()) return;  // a file system without times of birth
  REQUIRE(utimensat(AT_FDCWD, path.c_str(), nullptr, 0) == 0);
  CHECK(was_kept());
  // Numbers of files are used again: what counts is that it is another file.
  std::string other = zone_text(kLeastKept);
  for (int i = 0; i < 4; ++i) {
    put(directory / "new", other);
    REQUIRE(rename((directory / "new").c_str(), path.c_str()) == 0);
    let_clock_tick();
    CHECK_FALSE(was_kept());
    REQUIRE(utimensat(AT_FDCWD, path.c_str(), nullptr, 0) == 0);
    CHECK(was_kept());
  }
  put(path, other + "more A 10.0.0.9\n");
  CHECK_FALSE(was_kept());
  let_clock_tick();
  source.is_touched = false;
  was_kept();  // leaves an image, unless the load above took long enough to leave one
  CHECK(was_kept());
  let_clock_tick();
  REQUIRE(utimensat(AT_FDCWD, path.c_str(), nullptr, 0) == 0);
  CHECK_FALSE(was_kept());
}

TEST_CASE("zone loader: small zones and bad ones leave no image behind", "[named][image]") {
  test::TempDirectory directory;
  put(directory / "small.zone", zone_text(10));
  put(directory / "bad.zone", zone_text(kLeastKept) + "x A not-an-address\n");
  let_clock_tick();
  Problems problems;
  CHECK(load(directory, "small.zone", problems).image);
  CHECK_FALSE(load(directory, "bad.zone", problems).image);
  CHECK(access((directory / "small.zone.nlz").c_str(), F_OK) != 0);
  CHECK(access((directory / "bad.zone.nlz").c_str(), F_OK) != 0);
}

TEST_CASE("zone loader: an image that cannot be written is one line and no error", "[named][image]") {
  test::TempDirectory directory;
  put(directory / "big.zone", zone_text(kLeastKept));
  REQUIRE(mkdir((directory / "big.zone.nlz").c_str(), 0700) == 0);
  let_clock_tick();
  Problems problems;
  LoadedZone loaded = load(directory, "big.zone", problems);
  CHECK(loaded.image);
  CHECK(loaded.note.starts_with("its image is not kept for the next start: "));
}

TEST_CASE("zone loader: a FIFO is no zone file and does not block (D29)", "[named][image]") {
  test::TempDirectory directory;
  REQUIRE(mkfifo((directory / "fifo").c_str(), 0600) == 0);
  Problems problems;
  CHECK_FALSE(load(directory, "fifo", problems).image);
  CHECK(problems.all()[0].what.find("not a regular file") != std::string::npos);
}
