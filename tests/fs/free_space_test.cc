#include "libcommon/fs/free_space.h"

#include <catch2/catch.hpp>

using namespace umaya;

TEST_CASE("free space: mail needs queue_minfree, and one and a half times the largest message", "[fs][space]") {
  CHECK(fs::space_for_mail(0, 10'240'000, 0) == 15'360'000);
  CHECK(fs::space_for_mail(0, 10'240'000, 99'000'000) == 15'360'000);
  CHECK(fs::space_for_mail(20'000'000, 10'240'000, 0) == 20'000'000);
  CHECK(fs::space_for_mail(1, 10'240'000, 0) == 15'360'000);
  CHECK(fs::space_for_mail(0, 0, 0) == 0);
  CHECK(fs::space_for_mail(0, 0, 1000) == 1500);
  CHECK(fs::space_for_mail(0, 0, ~uint64_t{0}) == ~uint64_t{0});
}

TEST_CASE("free space: the file system is asked once a second, and a limit is exact", "[fs][space]") {
  int asked = 0;
  fs::FreeSpace space([&asked]() -> std::optional<uint64_t> {
    ++asked;
    return 1000;
  });
  CHECK_FALSE(space.is_below(0));
  CHECK(asked == 0);
  CHECK_FALSE(space.is_below(1000));
  CHECK(space.is_below(1001));
  CHECK(space.bytes() == 1000);
  CHECK(asked == 1);
}

TEST_CASE("free space: a directory of the system has some, a missing one is unknown and never below", "[fs][space]") {
  fs::FreeSpace root("/");
  REQUIRE(root.bytes());
  CHECK(root.is_below(~uint64_t{0}));
  fs::FreeSpace missing("/nowhere/at/all");
  CHECK_FALSE(missing.bytes());
  CHECK_FALSE(missing.is_below(~uint64_t{0}));
}
