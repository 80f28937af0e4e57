// The index and dovecot-uidlist over the life of a Maildir.
#include <fcntl.h>

#include "libcommon/base/clock.h"
#include "libcommon/fs/calls.h"
#include "libcommon/mailbox/maildir/index_file.h"
#include "libcommon/mailbox/maildir/uidlist.h"
#include "tests/mailbox/box_fixture.h"
#include "tests/support/failing_calls.h"

using namespace umaya;
using namespace umaya::mailbox;
using namespace umaya::mailbox::fixture;

namespace {

using Ids = std::vector<std::string>;

std::optional<IndexHeader> header_of(const MaildirTree& tree) {
  return IndexFile::open(*MaildirFolder::open(tree.path())).header();
}

/// uid -> base, as the list says.
std::vector<std::pair<uint32_t, std::string>> numbers(const MaildirTree& tree) {
  std::string text = tree.read("dovecot-uidlist");
  Uidlist list = parse_uidlist(text);
  CHECK_FALSE(list.damaged);
  std::vector<std::pair<uint32_t, std::string>> all;
  for (const UidLine& line : list.lines) all.emplace_back(line.uid, line.base);
  return all;
}

/// Counts what is written.
class Counting : public fs::Calls {
 public:
  int renameat(int from_dir, const char* from, int to_dir, const char* to) override {
    if (std::string_view(to) == "umaya-index") ++indexes;
    if (std::string_view(to) == "dovecot-uidlist") ++lists;
    return Calls::renameat(from_dir, from, to_dir, to);
  }
  int indexes = 0, lists = 0;
};

}  // namespace

TEST_CASE("maildir sync: the list of uids is made, with the ids that we gave", "[mailbox][sync]") {
  MaildirTree tree;
  tree.put("new/1700000002.b,S=2", "x\n");
  tree.put("cur/1700000001.a:2,S", "x\n");
  CHECK(ids(tree.location()) == Ids{"1700000001.a", "1700000002.b"});
  std::string text = tree.read("dovecot-uidlist");
  CHECK(text.starts_with("3 V"));
  CHECK(text.substr(text.find('\n') + 1) == "1 P1700000001.a :1700000001.a\n2 P1700000002.b :1700000002.b,S=2\n");
  Uidlist list = parse_uidlist(text);
  CHECK(list.next_uid == 3);
  CHECK(list.guid.size() == 32);
  CHECK(std::abs(static_cast<int64_t>(list.uid_validity) - wall_seconds()) < 100);
}

TEST_CASE("maildir sync: a Maildir that nothing has changed is not read again", "[mailbox][sync]") {
  MaildirTree tree;
  tree.put("new/1.a,W=3", "x\n");
  open_box(tree.location());
  CHECK((header_of(tree)->state & kNewUnsettled) != 0);  // changed this very moment
  tree.settle();
  open_box(tree.location());
  REQUIRE(header_of(tree)->state == 0);
  // Only the states of the directories are looked at: with them as before, a new file goes unseen.
  struct stat status {};
  stat((tree.path() + "/new").c_str(), &status);
  Counting counting;
  fs::ScopedCalls scope(counting);
  auto box = open_box(tree.location());
  CHECK(box->count() == 1);
  CHECK(box->total_size().value() == 3);
  CHECK(ids(*box) == Ids{"1.a"});
  CHECK(counting.indexes == 0);
  CHECK(counting.lists == 0);
}

TEST_CASE("maildir sync: A16 uids never change, go down or come again", "[mailbox][sync]") {
  MaildirTree tree;
  tree.put("new/1.a", "x\n");
  tree.put("new/2.b", "x\n");
  open_box(tree.location());
  std::vector<size_t> last = {1};
  open_box(tree.location())->remove(last);
  tree.move("new/1.a", "cur/1.a:2,S");
  tree.put("new/0.c", "x\n");  // a clock that was set back
  CHECK(ids(tree.location()) == Ids{"1.a", "0.c"});
  auto all = numbers(tree);
  CHECK(std::count(all.begin(), all.end(), std::pair<uint32_t, std::string>{1, "1.a"}) == 1);
  CHECK(std::count(all.begin(), all.end(), std::pair<uint32_t, std::string>{3, "0.c"}) == 1);
  uint32_t validity = header_of(tree)->uid_validity;
  tree.remove("dovecot-uidlist");
  tree.put("new/4.d", "x\n");
  open_box(tree.location());
  CHECK(numbers(tree) == std::vector<std::pair<uint32_t, std::string>>{{1, "1.a"}, {3, "0.c"}, {4, "4.d"}});
  CHECK(header_of(tree)->uid_validity == validity);
}

TEST_CASE("maildir sync: what Dovecot has numbered keeps its uids and Dovecot's ids", "[mailbox][sync]") {
  MaildirTree tree;
  tree.put("cur/1.a:2,S", "x\n");
  tree.put("new/2.b", "x\n");
  tree.put("cur/3.c:2,", "x\n");
  tree.put("cur/4.d:2,", "x\n");
  tree.put("dovecot-uidlist",
           "3 V1796007907 N30 G3085f01b7f11094c501100008c4a11c1\n"
           "7 W900 :2.b\n9 :1.a\n12 Pmigrated :3.c\n13 W5 P :4.d\n");
  auto box = open_box(tree.location());
  CHECK(ids(*box) == Ids{"000000076b0ce7e3", "000000096b0ce7e3", "migrated", "4.d"});
  CHECK(box->size(0).value() == 900);
  CHECK(tree.read("dovecot-uidlist").ends_with("13 W5 P :4.d\n"));  // nothing to write
  box.reset();
  // One more message: Dovecot looks at no P of it, so it gets Dovecot's id.
  tree.put("new/5.e", "x\n");
  CHECK(ids(tree.location()).back() == "0000001e6b0ce7e3");
  CHECK(tree.read("dovecot-uidlist").ends_with("13 W5 P :4.d\n30 :5.e\n"));
  PopBox::Options options;
  options.dovecot_uidl_format = "%v.%u";  // Cyrus' form
  CHECK(ids(tree.location(), options) == Ids{"1796007907.7", "1796007907.9", "migrated", "4.d", "1796007907.30"});
}

TEST_CASE("maildir sync: the order that the list asks for is that of POP3", "[mailbox][sync]") {
  MaildirTree tree;
  for (const char* name : {"cur/1.a:2,", "cur/2.b:2,", "cur/3.c:2,"}) tree.put(name, "x\n");
  tree.put("dovecot-uidlist", "3 V5 N9\n1 Pa :1.a\n2 O2 Pb :2.b\n3 O1 Pc :3.c\n");
  CHECK(ids(tree.location()) == Ids{"c", "b", "a"});
}

TEST_CASE("maildir sync: Courier's uids and unique ids are taken over", "[mailbox][sync]") {
  MaildirTree tree;
  for (const char* name : {"cur/1.a:2,", "cur/2.b:2,S", "new/3.c", "new/4.d"}) tree.put(name, "x\n");
  tree.put("courierimapuiddb", "1 1234567890 8\n4 1.a\n6 2.b\n");
  tree.put("courierpop3dsizelist",
           "/3 9 1234567000\n1.a 3 5:1234567000:0\n2.b:2,S 3 7:0\n3.c 3 8:1234567000\nbroken\n9.z 1 2\n");
  Ids expected{"UID5-1234567000", "UID7", "UID8-1234567000", "4.d"};
  CHECK(ids(tree.location()) == expected);
  CHECK(tree.read("dovecot-uidlist").starts_with("3 V1234567890 N10 G"));
  CHECK(numbers(tree) == std::vector<std::pair<uint32_t, std::string>>{{4, "1.a"}, {6, "2.b"}, {8, "3.c"}, {9, "4.d"}});
  for (const char* name : {"courierimapuiddb", "courierpop3dsizelist", "umaya-index"}) tree.remove(name);
  CHECK(ids(tree.location()) == expected);
}

TEST_CASE("maildir sync: a delivery to a large Maildir is one line in the list", "[mailbox][sync]") {
  MaildirTree tree;
  for (int i = 0; i < 300; ++i) tree.put("cur/" + std::to_string(1700000000 + i) + ".a,W=3:2,", "x\n");
  open_box(tree.location());
  tree.put("new/1800000000.b,W=3", "x\n");
  Counting counting;
  fs::ScopedCalls scope(counting);
  auto box = open_box(tree.location());
  CHECK(box->count() == 301);
  CHECK(box->total_size().value() == 903);
  CHECK(counting.lists == 0);
  CHECK(tree.read("dovecot-uidlist").ends_with("301 P1800000000.b :1800000000.b,W=3\n"));
}

TEST_CASE("maildir sync: A19 every octet of the index cut off or changed, the messages are the same",
          "[mailbox][sync]") {
  MaildirTree tree;
  tree.put("cur/1.a,W=3:2,S", "x\n");
  tree.put("new/2." + std::string(80, 'b'), "longer\n");
  tree.settle();
  auto expected = ids(tree.location());
  open_box(tree.location());
  std::string index = tree.read("umaya-index");
  REQUIRE(decode_index(index));
  auto check = [&](const std::string& damaged) {
    CHECK_FALSE(decode_index(damaged));
    tree.put("umaya-index", damaged);
    auto box = open_box(tree.location());
    REQUIRE(box->count() == 2);
    REQUIRE(ids(*box) == expected);
    REQUIRE(sizes(*box) == std::vector<uint64_t>{3, 8});
  };
  for (size_t i = 0; i < index.size(); ++i) {
    CAPTURE(i);
    check(index.substr(0, i));
    std::string flipped = index;
    flipped[i] = static_cast<char>(flipped[i] ^ (1 << (i % 8)));
    check(flipped);
  }
}

TEST_CASE("maildir sync: A19 an index whose checksums are right is not believed either", "[mailbox][sync]") {
  MailIndex good;
  good.header.next_uid = 2;
  MailRecord record;
  record.uid = 1;
  good.add(record, "1.a", "1.a");
  REQUIRE(decode_index(encode_index(good)));
  auto refused = [&](auto change) {
    MailIndex bad = good;
    change(bad);
    return !decode_index(encode_index(bad));
  };
  CHECK(refused([](MailIndex& i) { i.heap = "../"; }));
  CHECK(refused([](MailIndex& i) { i.heap = std::string("1\0a", 3); }));
  CHECK(refused([](MailIndex& i) { i.records[0].name_offset = 1; }));
  CHECK(refused([](MailIndex& i) { i.records[0].name_offset = UINT32_MAX; }));
  CHECK(refused([](MailIndex& i) { i.records[0].id_offset = 4; }));
  CHECK(refused([](MailIndex& i) { i.records[0].id_length = 0; }));
  CHECK(refused([](MailIndex& i) { i.records[0].name_length = 0; }));
  CHECK(refused([](MailIndex& i) { i.records[0].uid = 2; }));
  CHECK(refused([](MailIndex& i) { i.records[0].uid = 0; }));
  CHECK(refused([](MailIndex& i) { i.records[0].wire_size = uint64_t{1} << 60; }));
}

TEST_CASE("maildir sync: A19 a list of uids that is cut or changed anywhere loses no uid that the index knows",
          "[mailbox][sync]") {
  MaildirTree tree;
  for (const char* name : {"cur/1.a:2,S", "new/2.b", "new/3.c"}) tree.put(name, "x\n");
  auto expected = ids(tree.location());
  std::string list = tree.read("dovecot-uidlist");
  std::string index = tree.read("umaya-index");
  for (size_t i = 0; i < list.size(); ++i) {
    CAPTURE(i);
    for (bool cut : {true, false}) {
      std::string damaged = cut ? list.substr(0, i) : list;
      if (!cut) damaged[i] = static_cast<char>(damaged[i] ^ 0x81);
      tree.put("umaya-index", index);
      tree.put("dovecot-uidlist", damaged);
      auto all = ids(tree.location());
      // A changed octet within an id is an id; all else must be as it was.
      bool in_id = !cut && i > list.find('\n') && all != expected;
      if (!in_id) REQUIRE(all == expected);
      std::sort(all.begin(), all.end());
      REQUIRE(all.size() == 3);
      REQUIRE(std::unique(all.begin(), all.end()) == all.end());
      REQUIRE_FALSE(parse_uidlist(tree.read("dovecot-uidlist")).damaged);
    }
  }
}

TEST_CASE("maildir sync: two messages never have one id", "[mailbox][sync]") {
  MaildirTree tree;
  for (const char* name : {"cur/1.a:2,", "cur/2.b:2,", "cur/3.c:2,", "new/4.d"}) tree.put(name, "x\n");
  tree.put("dovecot-uidlist", "3 V5 N9\n1 Psame :1.a\n2 Psame :2.b\n3 P4.d :3.c\n");
  auto all = ids(tree.location());
  CHECK(all[0] == "same");
  CHECK(all[2] == "4.d");
  auto sorted = all;
  std::sort(sorted.begin(), sorted.end());
  CHECK(std::unique(sorted.begin(), sorted.end()) == sorted.end());
  tree.remove("cur/1.a:2,");  // the other one keeps the id that it was given
  CHECK(ids(tree.location()) == Ids(all.begin() + 1, all.end()));
  tree.remove("umaya-index");
  CHECK(ids(tree.location()) == Ids(all.begin() + 1, all.end()));
}

TEST_CASE("maildir sync: a list that cannot be written hides only what would need a number", "[mailbox][sync]") {
  for (int error : {ENOSPC, EDQUOT, EROFS, EIO}) {
    for (bool dovecot : {false, true}) {
      for (int number = 1;; ++number) {
        CAPTURE(error, dovecot, number);
        MaildirTree tree;
        tree.put("cur/1.a:2,", "x\n");
        if (dovecot) tree.put("dovecot-uidlist", "3 V5 N2\n1 :1.a\n");
        tree.put("new/2.b", "x\n");
        test::FailingCalls failing(number, error);
        Ids seen;
        {
          fs::ScopedCalls scope(failing);
          auto box = PopBox::open(tree.location(), {});
          if (box) seen = ids(**box);
          if (!box) CHECK_FALSE(box.error().is_permanent());  // a directory could not be opened
        }
        bool all = seen.size() == 2;
        if (seen.empty()) {
          CHECK(failing.made() >= number);
        } else if (dovecot) {
          CHECK(seen[0] == "0000000100000005");
          if (all) CHECK(seen[1] == "0000000200000005");
        } else {
          REQUIRE(seen == Ids{"1.a", "2.b"});
        }
        if (all) CHECK(ids(tree.location()) == seen);
        CHECK(ids(tree.location()).size() == 2);
        CHECK_FALSE(parse_uidlist(tree.read("dovecot-uidlist")).damaged);
        if (failing.made() < number) break;
      }
    }
  }
}

TEST_CASE("maildir sync: while another program holds the list's lock, numbers wait", "[mailbox][sync]") {
  MaildirTree tree;
  tree.put("cur/1.a:2,", "x\n");
  tree.put("new/2.b", "x\n");
  tree.put("dovecot-uidlist", "3 V5 N2\n1 :1.a\n");
  tree.put("dovecot-uidlist.lock", "1:elsewhere\n");
  CHECK(ids(tree.location()) == Ids{"0000000100000005"});
  timespec times[2] = {{0, UTIME_OMIT}, {::time(nullptr) - 121, 0}};
  utimensat(AT_FDCWD, (tree.path() + "/dovecot-uidlist.lock").c_str(), times, 0);
  CHECK(ids(tree.location()) == Ids{"0000000100000005", "0000000200000005"});
  CHECK_FALSE(tree.has("dovecot-uidlist.lock"));
  char host[256] = "";
  gethostname(host, sizeof host - 1);
  tree.put("new/3.c", "x\n");
  tree.put("dovecot-uidlist.lock", "2147483646:" + std::string(host));  // left by one that was killed
  CHECK(ids(tree.location()).size() == 3);
  CHECK_FALSE(tree.has("dovecot-uidlist.lock"));
}
