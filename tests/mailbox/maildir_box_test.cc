#include "libcommon/mailbox/maildir/maildir_box.h"

#include <fcntl.h>

#include "tests/mailbox/box_fixture.h"
#include "tests/support/failing_calls.h"

using namespace umaya;
using namespace umaya::mailbox;
using namespace umaya::mailbox::fixture;
using namespace std::chrono_literals;

TEST_CASE("maildir box: messages come in the order of delivery", "[mailbox][box]") {
  MaildirTree box;
  box.put("cur/1700000001.M20P1.host:2,S", "x");
  box.put("new/1700000001.M3P1.host", "x");
  box.put("new/1600000000.M9P1.host,S=1", "x");
  box.put("new/.hidden", "x");
  box.put("new/1600000000.M8P1.line\nend", "x");
  stdfs::create_directories(box.path() + "/new/dir");
  stdfs::create_symlink("/etc/passwd", box.path() + "/new/1500000000.link");
  CHECK(ids(box.location()) ==
        std::vector<std::string>{"1600000000.M9P1.host", "1700000001.M3P1.host", "1700000001.M20P1.host"});
}

TEST_CASE("maildir box: A15 sizes are octets on the wire", "[mailbox][box]") {
  MaildirTree tree;
  tree.put("new/1.a", "a\nb\n");
  tree.put("new/2.a", "a\r\nb\r\n");
  tree.put("new/3.a", "no end");
  tree.put("new/4.a", "");
  tree.put("new/5.a", "bare\rcr\n");
  tree.put("new/6.a,W=77", "whatever");
  std::string large(200001, 'x');
  large.back() = '\n';
  tree.put("new/7.a", large);
  tree.put("new/8.a", ".\n..\n");
  std::vector<uint64_t> expected{6, 6, 8, 0, 9, 77, 200002, 7};
  uint64_t total = 200115;
  {
    auto box = open_box(tree.location());
    CHECK(box->total_size().value() == total);
    CHECK(sizes(*box) == expected);
  }
  tree.settle();
  for (int i = 0; i < 2; ++i) {  // counted once: now the files could not be read
    auto box = open_box(tree.location());
    if (i == 0) continue;
    for (const char* name : {"new/1.a", "new/7.a"}) chmod((tree.path() + "/" + name).c_str(), 0);
    CHECK(box->total_size().value() == total);
    CHECK(sizes(*box) == expected);
  }
}

TEST_CASE("maildir box: a name that tells a wrong size is not believed once the file was opened", "[mailbox][box]") {
  MaildirTree tree;
  tree.put("new/1.a,S=3,W=4", "longer than three\n");
  auto box = open_box(tree.location());
  CHECK(box->size(0).value() == 4);
  CHECK(text_of(*box, 0) == "longer than three\n");
  CHECK(box->size(0).value() == 19);
  box.reset();
  CHECK(open_box(tree.location())->size(0).value() == 19);
}

TEST_CASE("maildir box: A15 the unique id comes from the file's base name", "[mailbox][box]") {
  MaildirTree tree;
  tree.put("new/1.M1P1V2I3Rabc.host,S=5", "x");
  tree.put("new/2." + std::string(100, 'h'), "x");
  tree.put("new/3.with blank", "x");
  auto before = ids(tree.location());
  CHECK(before[0] == "1.M1P1V2I3Rabc.host");
  CHECK(before[1].size() == 32);
  CHECK(before[2].size() == 32);
  tree.move("new/1.M1P1V2I3Rabc.host,S=5", "cur/1.M1P1V2I3Rabc.host,S=5:2,RS");
  tree.move("new/3.with blank", "cur/3.with blank:2,");
  CHECK(ids(tree.location()) == before);
  for (const char* lost : {"dovecot-uidlist", "umaya-index"}) {  // one after the other, then both
    tree.remove(lost);
    CHECK(ids(tree.location()) == before);
  }
  tree.remove("dovecot-uidlist");
  tree.remove("umaya-index");
  CHECK(ids(tree.location()) == before);
}

TEST_CASE("maildir box: a message that another program renames is found again", "[mailbox][box]") {
  MaildirTree tree;
  tree.put("new/1.a", "one\n");
  tree.put("new/2.a", "two\n");
  auto box = open_box(tree.location());
  tree.move("new/1.a", "cur/1.a:2,S");
  CHECK(box->size(0).value() == 5);
  CHECK(text_of(*box, 0) == "one\n");
  tree.remove("new/2.a");
  auto gone = box->open_message(1);
  REQUIRE_FALSE(gone);
  CHECK(gone.error().sys_errno == ENOENT);
  CHECK_FALSE(gone.error().is_permanent());
  CHECK(box->total_size().value() == 5);
}

TEST_CASE("maildir box: removing takes just the named messages away", "[mailbox][box]") {
  MaildirTree tree;
  for (const char* name : {"new/1.a", "new/2.a", "cur/3.a:2,S", "new/4.a"}) tree.put(name, "x\n");
  auto box = open_box(tree.location());
  tree.move("new/1.a", "cur/1.a:2,S");
  tree.remove("new/4.a");
  std::vector<size_t> which = {0, 2, 3};
  CHECK(box->remove(which).value() == 2);
  CHECK_FALSE(tree.has("cur/1.a:2,S"));
  CHECK(tree.has("new/2.a"));
  CHECK_FALSE(tree.has("cur/3.a:2,S"));
  box.reset();
  CHECK(ids(tree.location()) == std::vector<std::string>{"2.a"});
}

TEST_CASE("maildir box: what is marked as seen keeps the flags of others", "[mailbox][box]") {
  MaildirTree tree;
  for (const char* name : {"new/1.a", "cur/2.a:2,RTa", "new/3.a", "cur/4.a:2,S", "cur/5.a:1,odd"})
    tree.put(name, "x\n");
  auto box = open_box(tree.location());
  tree.move("new/3.a", "cur/3.a:2,F");  // by somebody else, during the session
  std::vector<size_t> which = {0, 1, 2, 3, 4};
  CHECK(box->mark_seen(which));
  CHECK(tree.names("cur") == std::vector<std::string>{"1.a:2,S", "2.a:2,RSTa", "3.a:2,FS", "4.a:2,S", "5.a:1,odd"});
  CHECK(tree.names("new").empty());
  CHECK(text_of(*box, 0) == "x\n");
}

TEST_CASE("maildir box: A15 a second session is refused until the first has ended", "[mailbox][box]") {
  MaildirTree tree;
  {
    auto first = open_box(tree.location());
    auto second = PopBox::open(tree.location(), {});
    REQUIRE_FALSE(second);
    CHECK(second.error().sys_errno == EBUSY);
    CHECK(PopBox::open(tree.location(), {.lock = false}));
  }
  open_box(tree.location());
  tree.put("dovecot-pop3-session.lock", "1:host");  // Dovecot has one
  CHECK(PopBox::open(tree.location(), {}).error().sys_errno == EBUSY);
  timespec times[2] = {{0, UTIME_OMIT}, {::time(nullptr) - 301, 0}};
  utimensat(AT_FDCWD, (tree.path() + "/dovecot-pop3-session.lock").c_str(), times, 0);
  open_box(tree.location());
}

TEST_CASE("maildir box: what has not changed since the last session is opened from memory", "[mailbox][box]") {
  MaildirTree tree;
  tree.put("cur/1.a:2,S", "x\n");
  tree.settle();
  CHECK(PopBox::open_from_memory(tree.location(), {}) == nullptr);  // no index yet
  open_box(tree.location());
  auto open = [&tree] { return PopBox::open_from_memory(tree.location(), {}); };
  {
    auto box = open();
    REQUIRE(box);
    CHECK(box->count() == 1);
    CHECK(box->total_size().value() == 3);
    CHECK(ids(*box) == std::vector<std::string>{"1.a"});
    CHECK(open() == nullptr);  // in use
    CHECK(PopBox::open(tree.location(), {}).error().sys_errno == EBUSY);
  }
  tree.put("new/2.a", "y\n");
  CHECK(open() == nullptr);
  CHECK(open_box(tree.location())->count() == 2);  // and the lock of the attempt is gone
  tree.settle();
  open_box(tree.location());
  CHECK(open() != nullptr);
  tree.put("umaya-index", "damaged");
  CHECK(open() == nullptr);
  CHECK(PopBox::open_from_memory("maildir:" + tree.path() + "/none", {}) == nullptr);
  CHECK(PopBox::open_from_memory("mbox:" + tree.path() + "/mbox", {}) == nullptr);
}

TEST_CASE("maildir box: a Maildir that does not exist is empty", "[mailbox][box]") {
  auto box = open_box("maildir:/tmp/umaya-no-such-maildir");
  CHECK(box->count() == 0);
  CHECK(box->total_size().value() == 0);
  CHECK(box->remove({}).value() == 0);
  CHECK_FALSE(PopBox::open("/tmp/umaya-no-such-maildir", {}));
  test::TempDirectory empty;
  CHECK(open_box("maildir:" + empty.path())->count() == 0);
}

TEST_CASE("maildir box: a pipe in place of a message holds nobody up", "[mailbox][box]") {
  MaildirTree tree;
  tree.put("new/1.a", "x");
  auto box = open_box(tree.location());
  tree.remove("new/1.a");
  mkfifo((tree.path() + "/new/1.a").c_str(), 0600);
  CHECK_FALSE(box->size(0));
}

TEST_CASE("maildir box: pop3_expire removes at QUIT what is old by its name and by its file", "[mailbox][box]") {
  MaildirTree tree;
  int64_t now = ::time(nullptr);
  std::string old = std::to_string(now - 20 * 86400), fresh = std::to_string(now - 86400);
  for (const std::string& name : {old + ".old", old + ".touched", fresh + ".fresh", std::string("1.noTime")}) {
    tree.put("new/" + name, "x\n");
    timespec times[2] = {{0, UTIME_OMIT}, {now - (name.ends_with("touched") ? 86400 : 20 * 86400), 0}};
    utimensat(AT_FDCWD, (tree.path() + "/new/" + name).c_str(), times, 0);
  }
  PopBox::Options options;
  CHECK(open_box(tree.location(), options)->remove({}).value() == 0);
  options.expire = 10 * 24h;
  CHECK(open_box(tree.location(), options)->remove({}).value() == 2);
  CHECK(tree.names("new") == std::vector<std::string>{old + ".touched", fresh + ".fresh"});
}

TEST_CASE("maildir box: what is removed is told to the quota file", "[mailbox][box]") {
  MaildirTree tree;
  tree.put("new/1.a,S=300", std::string(300, 'x'));
  tree.put("new/2.a", "four");
  tree.put("new/3.a", "stays");
  tree.put("maildirsize", "1000S\n309 3\n");
  auto box = open_box(tree.location());
  std::vector<size_t> which = {0, 1};
  CHECK(box->remove(which).value() == 2);
  CHECK(tree.read("maildirsize") == "1000S\n309 3\n-304 -2\n");
}

TEST_CASE("maildir box: one file under two names is one message, two files of one base are two", "[mailbox][box]") {
  MaildirTree tree;
  tree.put("new/1.a", "linked\n");
  REQUIRE(link((tree.path() + "/new/1.a").c_str(), (tree.path() + "/cur/1.a:2,S").c_str()) == 0);
  tree.put("cur/2.a:2,", "one\n");
  tree.put("cur/2.a:2,S", "other\n");
  auto box = open_box(tree.location());
  CHECK(box->count() == 3);
  CHECK_FALSE(tree.has("new/1.a"));
  auto all = ids(*box);
  std::sort(all.begin(), all.end());
  CHECK(std::unique(all.begin(), all.end()) == all.end());
  std::vector<size_t> which = {0, 1, 2};
  CHECK(box->remove(which).value() == 3);
  CHECK(tree.names("cur").empty());
}

TEST_CASE("maildir box: whichever call fails, what was not to be removed stays, and success means gone",
          "[mailbox][box]") {
  for (int error : {EIO, ENOSPC, EACCES}) {
    for (int number = 1;; ++number) {
      CAPTURE(error, number);
      MaildirTree tree;
      for (const char* name : {"new/1.a", "cur/2.b:2,", "cur/3.c:2,F"}) tree.put(name, "x\n");
      auto box = open_box(tree.location());
      std::vector<size_t> read = {0, 2}, gone = {1};
      test::FailingCalls failing(number, error);
      bool marked = false;
      Result<size_t> removed;
      {
        fs::ScopedCalls scope(failing);
        marked = box->mark_seen(read).has_value();
        removed = box->remove(gone);
      }
      if (removed) CHECK_FALSE(tree.has("cur/2.b:2,"));
      if (marked) CHECK((tree.has("cur/1.a:2,S") && tree.has("cur/3.c:2,FS")));
      if (!removed) CHECK_FALSE(removed.error().is_permanent());
      box.reset();
      auto left = ids(tree.location());
      CHECK(std::count(left.begin(), left.end(), "1.a") == 1);
      CHECK(std::count(left.begin(), left.end(), "3.c") == 1);
      if (failing.made() < number) {
        CHECK((marked && removed));
        break;
      }
    }
  }
}
