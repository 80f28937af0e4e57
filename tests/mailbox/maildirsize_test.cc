#include "libcommon/mailbox/maildirsize.h"

#include <fcntl.h>

#include "tests/mailbox/box_fixture.h"

using namespace umaya;
using namespace umaya::mailbox;
using namespace umaya::mailbox::fixture;

namespace {

constexpr QuotaLimits kLimits{1000, 3};

}  // namespace

TEST_CASE("maildirsize: the file is read as Maildir++ says", "[mailbox][quota]") {
  auto file = parse_maildirsize("1000S,3C\n  400   1 \n100 1\n-50 -1\n");
  REQUIRE(file);
  CHECK(file->limits == kLimits);
  CHECK(file->bytes == 450);
  CHECK(file->messages == 1);
  CHECK(file->lines == 3);
  CHECK(parse_maildirsize("3C\n0 0\n")->limits == QuotaLimits{0, 3});
  CHECK(print_quota_limits({1000, 0}) == "1000S");
  CHECK(print_quota_limits(kLimits) == "1000S,3C");
  for (const char* bad : {"", "1000S\n", "1000S", "x\n1 1\n", "1000X\n1 1\n", "S\n1 1\n", "1000S\n1\n", "1000S\n1 1",
                          "1000S\n1 1 1\n", "1000S\n-1 0\n", "1000S\n1 -1\n", "1000S\n99999999999999999999 1\n"}) {
    CAPTURE(bad);
    CHECK_FALSE(parse_maildirsize(bad));
  }
  CHECK_FALSE(parse_maildirsize("1000S\n" + std::string(2000, ' ') + std::string(4000, ' ')));
}

TEST_CASE("maildirsize: what is not in the file is counted, without Trash and what is trashed", "[mailbox][quota]") {
  MaildirTree tree;
  tree.put("new/1.a,S=100", "x");
  tree.put("cur/2.b:2,S", "four");
  tree.put("cur/3.c,S=50:2,ST", "x");
  for (const char* name : {".Sent/cur", ".Sent/new", ".Trash/cur", ".Trash.Old/cur"}) {
    stdfs::create_directories(tree.path() + "/" + name);
  }
  tree.put(".Sent/cur/4.d,S=200:2,S", "x");
  tree.put(".Trash/cur/5.e,S=200:2,S", "x");
  tree.put(".Trash.Old/cur/6.f,S=200:2,S", "x");
  tree.settle();
  for (const char* name : {".Sent/cur", ".Sent/new"}) {
    timespec times[2] = {{0, UTIME_OMIT}, {::time(nullptr) - 100, 0}};
    utimensat(AT_FDCWD, (tree.path() + "/" + name).c_str(), times, 0);
  }
  auto size = MaildirSize::open(tree.path(), kLimits);
  REQUIRE(size);
  CHECK(size->bytes() == 304);
  CHECK(size->messages() == 3);
  CHECK(tree.read("maildirsize") == "1000S,3C\n304 3\n");
  CHECK_FALSE(size->has_room(1, 1).value());  // a fourth message
  CHECK(size->add(-200, -1));
  CHECK(tree.read("maildirsize") == "1000S,3C\n304 3\n-200 -1\n");
  CHECK(MaildirSize::open(tree.path(), kLimits)->messages() == 2);
  CHECK(MaildirSize::open(tree.path(), {2000, 0})->messages() == 3);  // other limits: counted
  CHECK(tree.read("maildirsize") == "2000S\n304 3\n");
  CHECK(MaildirSize::open(tree.path(), {})->limits() == QuotaLimits{2000, 0});
}

TEST_CASE("maildirsize: over quota, a file of several lines or of old age is not believed", "[mailbox][quota]") {
  MaildirTree tree;
  tree.put("new/1.a,S=100", "x");
  tree.settle();
  tree.put("maildirsize", "1000S,3C\n5000 1\n1 1\n");
  CHECK(MaildirSize::open(tree.path(), kLimits)->bytes() == 100);
  tree.put("maildirsize", "1000S,3C\n5000 1\n");  // one line, just made
  auto size = MaildirSize::open(tree.path(), kLimits);
  CHECK(size->bytes() == 5000);
  CHECK_FALSE(size->has_room(1, 1).value());
  timespec times[2] = {{0, UTIME_OMIT}, {::time(nullptr) - 901, 0}};
  utimensat(AT_FDCWD, (tree.path() + "/maildirsize").c_str(), times, 0);
  CHECK(MaildirSize::open(tree.path(), kLimits)->bytes() == 100);
  std::string many = "1000S,3C\n";
  while (many.size() < 5121) many += "1 0\n";
  tree.put("maildirsize", many);
  CHECK(MaildirSize::open(tree.path(), kLimits)->bytes() == 100);
  CHECK(tree.read("maildirsize") == "1000S,3C\n100 1\n");
}

TEST_CASE("maildirsize: a Maildir that changes while it is counted gets no file", "[mailbox][quota]") {
  MaildirTree tree;
  tree.put("new/1.a,S=100", "x");
  timespec times[2] = {{0, UTIME_OMIT}, {::time(nullptr) + 5, 0}};
  utimensat(AT_FDCWD, (tree.path() + "/new").c_str(), times, 0);
  CHECK(MaildirSize::open(tree.path(), kLimits)->bytes() == 100);
  CHECK_FALSE(tree.has("maildirsize"));
  CHECK(MaildirSize::open("/tmp/umaya-no-such-maildir", kLimits)->bytes() == 0);
}
