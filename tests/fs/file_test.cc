#include "libcommon/fs/file.h"

#include <unistd.h>

#include <catch2/catch.hpp>

#include "libcommon/fs/directory.h"
#include "libcommon/fs/lock.h"
#include "libcommon/fs/temp_file.h"
#include "tests/support/temp_directory.h"

using namespace umaya;

TEST_CASE("fs: a file is opened only when it is plain, no link and has one name", "[fs]") {
  test::TempDirectory root;
  REQUIRE(fs::create_exclusive(root / "plain", 0600));
  CHECK(fs::open_safe(root / "plain"));
  REQUIRE(::symlink("plain", (root / "soft").c_str()) == 0);
  CHECK(fs::open_safe(root / "soft").error().is_permanent());
  CHECK(fs::open_safe(root.path()).error().is_permanent());
  REQUIRE(::mkfifo((root / "fifo").c_str(), 0600) == 0);
  CHECK_FALSE(fs::open_safe(root / "fifo"));
  REQUIRE(fs::link(root / "plain", root / "second"));
  CHECK(fs::open_safe(root / "plain").error().is_permanent());
  CHECK(fs::link(root / "plain", root / "second").error().sys_errno == EEXIST);
  CHECK(fs::open_safe(root / "missing").error().sys_errno == ENOENT);
  CHECK(fs::create_exclusive(root / "plain", 0600).error().sys_errno == EEXIST);
}

TEST_CASE("fs: replacing a file changes it as a whole and leaves no temporary file", "[fs]") {
  test::TempDirectory root;
  REQUIRE(fs::replace_file(root / "table", "old", 0644));
  REQUIRE(fs::replace_file(root / "table", "new content", 0600));
  CHECK(*fs::read_file(root / "table", 100) == "new content");
  CHECK(fs::read_file(root / "table", 5).error().sys_errno == EFBIG);
  { CHECK(fs::TempFile::create(root.path(), 0600)); }
  auto reader = fs::DirectoryReader::open(root.path());
  REQUIRE(reader);
  size_t names = 0;
  while (reader->next()) ++names;
  CHECK(names == 1);
}

TEST_CASE("fs: vectored writing continues after the last whole piece", "[fs]") {
  test::TempDirectory root;
  auto fd = fs::create_exclusive(root / "v", 0600);
  std::string a(1000, 'a'), empty, b(2000, 'b');
  iovec pieces[] = {{a.data(), a.size()}, {empty.data(), 0}, {b.data(), b.size()}};
  REQUIRE(fs::write_all(fd->get(), pieces));
  CHECK(*fs::read_all(fd->get(), 10'000) == a + b);
}

TEST_CASE("fs: a lock held through one description is busy for another and goes with the last copy", "[fs]") {
  test::TempDirectory root;
  REQUIRE(fs::create_exclusive(root / "m", 0600));
  auto first = fs::open_safe(root / "m");
  auto second = fs::open_safe(root / "m");
  Fd copy(::dup(first->get()));
  CHECK(*fs::try_lock(first->get(), fs::LockKind::flock) == fs::LockState::locked);
  CHECK(*fs::try_lock(second->get(), fs::LockKind::flock) == fs::LockState::busy);
  first->reset();
  CHECK(*fs::try_lock(second->get(), fs::LockKind::flock) == fs::LockState::busy);
  copy.reset();
  CHECK(*fs::try_lock(second->get(), fs::LockKind::flock) == fs::LockState::locked);
}

TEST_CASE("fs: the directory part of a path", "[fs]") {
  CHECK(fs::parent_directory("a/b/c") == "a/b");
  CHECK(fs::parent_directory("a") == ".");
  CHECK(fs::parent_directory("/a") == "/");
  CHECK(fs::parent_directory("a/b/") == "a");
}
