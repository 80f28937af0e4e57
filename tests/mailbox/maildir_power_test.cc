// What a power cut leaves of a Maildir that POP3 has numbered and removed messages from.
#include <fcntl.h>

#include "libcommon/mailbox/maildir/uidlist.h"
#include "libcommon/mailbox/maildir_delivery.h"
#include "tests/mailbox/box_fixture.h"
#include "tests/mailbox/mailbox_fixture.h"
#include "tests/support/power_cut.h"

using namespace umaya;
using namespace umaya::mailbox;
using namespace umaya::mailbox::fixture;

namespace {

constexpr auto kAllSurvivors = {test::Survivors::synced, test::Survivors::names_and_synced,
                                test::Survivors::everything};

void deliver(int base, int count) {
  Message message("Subject: x\r\n\r\n");
  auto box = Maildir::open(base, "Maildir");
  REQUIRE(box);
  for (int i = 0; i < count; ++i) {
    std::vector<MailboxMessage> mails{message.mail()};
    REQUIRE(box->deliver(mails)[0]);
  }
}

PopBox::Options by_uid() {
  PopBox::Options options;
  options.uidl_format = "%v.%u.%f";  // as the next numbers would be, if they were given twice
  return options;
}

/// In memory: what is made again and again needs no disk.
class MemoryDirectory {
 public:
  explicit MemoryDirectory(const std::string& name) : path_("/dev/shm/umaya-" + name + std::to_string(getpid())) {
    stdfs::create_directories(path_);
  }
  ~MemoryDirectory() { stdfs::remove_all(path_); }
  const std::string& path() const { return path_; }
  std::string location() const { return "maildir:" + path_ + "/Maildir"; }

 private:
  std::string path_;
};

/// After a power cut a lock may be left whose owner cannot be told; it is broken after two minutes.
void two_minutes_later(const MemoryDirectory& root) {
  timespec times[2] = {{0, UTIME_OMIT}, {::time(nullptr) - 121, 0}};
  utimensat(AT_FDCWD, (root.path() + "/Maildir/dovecot-uidlist.lock").c_str(), times, 0);
}

/// Everything that must be found again, and after which step it was told.
struct Told {
  size_t step;
  std::string id;
};

}  // namespace

TEST_CASE("maildir power cut: A16 an id that was told stays, also when it is made of the uid", "[mailbox][power]") {
  MemoryDirectory root("power-"), after("after-");
  test::PowerCut model(root.path());
  std::vector<Told> told;
  {
    fs::ScopedCalls scope(model);
    Fd base(::open(root.path().c_str(), O_RDONLY | O_DIRECTORY));
    for (int round = 0; round < 3; ++round) {
      deliver(base.get(), 2);
      for (const std::string& id : ids(root.location(), by_uid())) told.push_back({model.steps(), id});
    }
  }
  for (size_t k = 0; k <= model.steps(); ++k) {
    for (auto survivors : kAllSurvivors) {
      CAPTURE(k, static_cast<int>(survivors));
      model.rebuild(k, survivors, after.path());
      two_minutes_later(after);
      auto now = ids(after.location(), by_uid());
      for (const Told& one : told) {
        if (one.step <= k) REQUIRE(std::find(now.begin(), now.end(), one.id) != now.end());
      }
    }
  }
}

TEST_CASE("maildir power cut: A15 what QUIT has removed stays away", "[mailbox][power]") {
  MemoryDirectory root("power-"), after("after-");
  test::PowerCut model(root.path());
  std::string location = root.location();
  std::vector<std::string> removed, kept;
  size_t begun = 0, answered = 0;
  {
    fs::ScopedCalls scope(model);
    Fd base(::open(root.path().c_str(), O_RDONLY | O_DIRECTORY));
    deliver(base.get(), 4);
    auto box = open_box(location);
    auto all = ids(*box);
    std::vector<size_t> which = {1, 3}, read = {0};
    REQUIRE(box->mark_seen(read));
    removed = {all[1], all[3]};
    kept = {all[0], all[2]};
    begun = model.steps();
    REQUIRE(box->remove(which).value() == 2);
    answered = model.steps();
  }
  for (size_t k = begun; k <= model.steps(); ++k) {
    for (auto survivors : kAllSurvivors) {
      CAPTURE(k, static_cast<int>(survivors));
      model.rebuild(k, survivors, after.path());
      two_minutes_later(after);
      auto now = ids(after.location());
      for (const std::string& id : kept) REQUIRE(std::find(now.begin(), now.end(), id) != now.end());
      for (const std::string& id : removed) {
        if (k == answered) REQUIRE(std::find(now.begin(), now.end(), id) == now.end());
      }
    }
  }
}
