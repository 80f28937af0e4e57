#include "libcommon/mailbox/maildir_reader.h"

#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

using namespace umaya;
using namespace umaya::mailbox;
namespace stdfs = std::filesystem;

namespace {

class Box {
 public:
  Box() : path_(stdfs::temp_directory_path() / ("umaya_reader_" + std::to_string(getpid()))) {
    stdfs::remove_all(path_);
    for (const char* name : {"new", "cur", "tmp"}) stdfs::create_directories(path_ / name);
  }
  ~Box() { stdfs::remove_all(path_); }
  void put(const std::string& name, const std::string& text) { std::ofstream(path_ / name, std::ios::binary) << text; }
  std::string path() const { return path_; }
  bool has(const std::string& name) const { return stdfs::exists(path_ / name); }
  void move(const std::string& from, const std::string& to) { stdfs::rename(path_ / from, path_ / to); }

 private:
  stdfs::path path_;
};

std::vector<std::string> ids(const MaildirReader& box) {
  std::vector<std::string> all;
  for (size_t i = 0; i < box.count(); ++i) all.push_back(box.unique_id(i));
  return all;
}

}  // namespace

TEST_CASE("maildir reader: messages come in the order of delivery", "[mailbox][reader]") {
  Box box;
  box.put("cur/1700000001.M20P1.host:2,S", "x");
  box.put("new/1700000001.M3P1.host", "x");
  box.put("new/1600000000.M9P1.host,S=1", "x");
  box.put("new/.hidden", "x");
  stdfs::create_directories(box.path() + "/new/dir");
  stdfs::create_symlink("/etc/passwd", box.path() + "/new/1500000000.link");
  auto reader = MaildirReader::open(box.path());
  REQUIRE(reader);
  CHECK(ids(*reader) ==
        std::vector<std::string>{"1600000000.M9P1.host", "1700000001.M3P1.host", "1700000001.M20P1.host"});
}

TEST_CASE("maildir reader: A15 sizes are octets on the wire", "[mailbox][reader]") {
  Box box;
  box.put("new/1.a", "a\nb\n");
  box.put("new/2.a", "a\r\nb\r\n");
  box.put("new/3.a", "no end");
  box.put("new/4.a", "");
  box.put("new/5.a", "bare\rcr\n");
  box.put("new/6.a,W=77", "whatever");
  std::string large(200001, 'x');
  large.back() = '\n';
  box.put("new/7.a", large);
  box.put("new/8.a", ".\n..\n");
  auto reader = MaildirReader::open(box.path());
  REQUIRE(reader);
  std::vector<uint64_t> sizes;
  for (size_t i = 0; i < reader->count(); ++i) sizes.push_back(*reader->size(i));
  CHECK(sizes == std::vector<uint64_t>{6, 6, 8, 0, 9, 77, 200002, 7});
}

TEST_CASE("maildir reader: A15 the unique id comes from the file's base name", "[mailbox][reader]") {
  Box box;
  box.put("new/1.M1P1V2I3Rabc.host,S=5", "x");
  box.put("new/2." + std::string(100, 'h'), "x");
  box.put("new/3.with blank", "x");
  auto reader = MaildirReader::open(box.path());
  auto before = ids(*reader);
  CHECK(before[0] == "1.M1P1V2I3Rabc.host");
  CHECK(before[1].size() == 32);
  CHECK(before[2].size() == 32);
  box.move("new/1.M1P1V2I3Rabc.host,S=5", "cur/1.M1P1V2I3Rabc.host,S=5:2,RS");
  box.move("new/3.with blank", "cur/3.with blank:2,");
  CHECK(ids(*MaildirReader::open(box.path())) == before);
}

TEST_CASE("maildir reader: a message that another program renames is found again", "[mailbox][reader]") {
  Box box;
  box.put("new/1.a", "one\n");
  box.put("new/2.a", "two\n");
  auto reader = MaildirReader::open(box.path());
  box.move("new/1.a", "cur/1.a:2,S");
  CHECK(*reader->size(0) == 5);
  CHECK(reader->open_message(0));
  stdfs::remove(box.path() + "/new/2.a");
  auto gone = reader->open_message(1);
  REQUIRE_FALSE(gone);
  CHECK(gone.error().sys_errno == ENOENT);
  CHECK_FALSE(gone.error().is_permanent());
}

TEST_CASE("maildir reader: removing takes just the named messages away", "[mailbox][reader]") {
  Box box;
  for (const char* name : {"new/1.a", "new/2.a", "cur/3.a:2,S", "new/4.a"}) box.put(name, "x\n");
  auto reader = MaildirReader::open(box.path());
  box.move("new/1.a", "cur/1.a:2,S");
  stdfs::remove(box.path() + "/new/4.a");
  std::vector<size_t> which = {0, 2, 3};
  CHECK(reader->remove(which));
  CHECK_FALSE(box.has("cur/1.a:2,S"));
  CHECK(box.has("new/2.a"));
  CHECK_FALSE(box.has("cur/3.a:2,S"));
}

TEST_CASE("maildir reader: the lock keeps a second session out until it is given back", "[mailbox][reader]") {
  Box box;
  {
    auto first = MaildirReader::open(box.path());
    auto second = MaildirReader::open(box.path());
    CHECK(*first->lock() == MaildirReader::Lock::taken);
    CHECK(*second->lock() == MaildirReader::Lock::in_use);
  }
  auto third = MaildirReader::open(box.path());
  CHECK(*third->lock() == MaildirReader::Lock::taken);
}

TEST_CASE("maildir reader: a Maildir that does not exist is empty", "[mailbox][reader]") {
  auto reader = MaildirReader::open("/tmp/umaya-no-such-maildir");
  REQUIRE(reader);
  CHECK(reader->count() == 0);
  CHECK(*reader->lock() == MaildirReader::Lock::taken);
}

TEST_CASE("maildir reader: a pipe in place of a message holds nobody up", "[mailbox][reader]") {
  Box box;
  box.put("new/1.a", "x");
  auto reader = MaildirReader::open(box.path());
  stdfs::remove(box.path() + "/new/1.a");
  mkfifo((box.path() + "/new/1.a").c_str(), 0600);
  CHECK_FALSE(reader->size(0));
}
