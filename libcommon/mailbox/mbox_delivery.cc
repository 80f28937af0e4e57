#include "libcommon/mailbox/mbox_delivery.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "libcommon/base/strings.h"
#include "libcommon/fs/calls.h"
#include "libcommon/mailbox/delivery_file.h"
#include "libcommon/mailbox/dotlock.h"

namespace umaya::mailbox {

namespace {

constexpr size_t kMboxTextLimit = SIZE_MAX;

enum class Locked : unsigned char { yes, busy };

void sleep_for(Duration time) {
  auto nsec = std::chrono::duration_cast<std::chrono::nanoseconds>(time).count();
  timespec left{static_cast<time_t>(nsec / 1'000'000'000), static_cast<long>(nsec % 1'000'000'000)};
  while (::nanosleep(&left, &left) < 0 && errno == EINTR) {
  }
}

// A mailbox file that is open and locked; everything is given back in the right order when it goes.
class LockedMbox {
 public:
  LockedMbox(int directory, const std::string& name, const MboxRules& rules)
      : directory_(directory), name_(name), rules_(rules) {}

  Result<> acquire();
  int fd() const { return file_.fd.get(); }
  bool created() const { return created_; }

 private:
  Result<> open();
  Result<Locked> lock_all();
  Result<Locked> lock_kernel(MboxLock how);
  Result<Locked> lock_dot();
  bool name_means_file() const;

  int directory_;
  const std::string& name_;
  const MboxRules& rules_;
  Opened file_;
  bool created_ = false;
  std::optional<Dotlock> dotlock_;
};

Result<> LockedMbox::open() {
  UMAYA_TRY(file_, open_file_in(directory_, name_, O_RDWR | O_APPEND, Missing::create));
  created_ = created_ || file_.created;
  if (rules_.owner && file_.status.st_uid != *rules_.owner) {
    return temporary("mailbox " + name_ + " is not owned by the recipient", "4.2.0");
  }
  return {};
}

Result<Locked> LockedMbox::lock_kernel(MboxLock how) {
  int failed;
  if (how == MboxLock::flock) {
    failed = ::flock(fd(), LOCK_EX | LOCK_NB);
  } else {
    struct flock lock {};
    lock.l_type = F_WRLCK;
    lock.l_whence = SEEK_SET;
    failed = ::fcntl(fd(), F_SETLK, &lock);
  }
  if (failed == 0) return Locked::yes;
  if (errno == EAGAIN || errno == EACCES || errno == EINTR) return Locked::busy;
  return delivery_error("lock of mailbox " + name_);
}

Result<Locked> LockedMbox::lock_dot() {
  auto lock = Dotlock::try_lock(directory_, name_ + ".lock", rules_.stale_lock_time);
  if (!lock) {
    int err = lock.error().sys_errno;
    bool not_allowed = err == EACCES || err == EPERM || err == EROFS;
    if (not_allowed && rules_.dotlock == DotlockNeed::if_possible) return Locked::yes;
    return std::unexpected(lock.error());
  }
  if (!*lock) return Locked::busy;
  dotlock_.emplace(std::move(**lock));
  return Locked::yes;
}

Result<Locked> LockedMbox::lock_all() {
  for (MboxLock how : rules_.locks) {
    UMAYA_TRY(Locked got, how == MboxLock::dotlock ? lock_dot() : lock_kernel(how));
    if (got == Locked::busy) return Locked::busy;
  }
  return Locked::yes;
}

// Name, file and its only link in one look: a link that comes and goes between other calls is found out here.
bool LockedMbox::name_means_file() const {
  struct stat named {};
  if (::fstatat(directory_, name_.c_str(), &named, AT_SYMLINK_NOFOLLOW) < 0) return false;
  return named.st_dev == file_.status.st_dev && named.st_ino == file_.status.st_ino && named.st_nlink == 1;
}

Result<> LockedMbox::acquire() {
  int attempts = std::max(1, rules_.lock_attempts);
  for (int attempt = 0; attempt < attempts; ++attempt) {
    if (attempt > 0) sleep_for(rules_.lock_delay);
    UMAYA_CHECK(open());
    UMAYA_TRY(Locked got, lock_all());
    if (got == Locked::yes && name_means_file()) return {};
    dotlock_.reset();
    file_ = {};
  }
  return temporary("mailbox " + name_ + " is locked by another program", "4.2.0");
}

// The bytes that make the file end in an empty line, whatever stands at its end now.
Result<std::string> separator(int fd, off_t size) {
  if (size == 0) return std::string();
  char tail[2] = {'\n', '\n'};
  size_t want = size == 1 ? 1 : 2;
  if (::pread(fd, tail + 2 - want, want, size - static_cast<off_t>(want)) != static_cast<ssize_t>(want)) {
    return delivery_error("read of the end of the mailbox");
  }
  if (tail[1] != '\n') return std::string("\n\n");
  return std::string(tail[0] == '\n' ? "" : "\n");
}

/// Gives the end of the message; begin gets where its first line is.
Result<off_t> append(int fd, off_t start, const MboxMessage& mail, uint64_t& begin) {
  UMAYA_TRY(std::string text, separator(fd, start));
  begin = static_cast<uint64_t>(start) + text.size();
  text += from_line(mail.sender, wall_seconds());
  text += mail.message.head;
  uint64_t limit = mail.message.size_limit > 0 ? mail.message.size_limit : kMboxTextLimit;
  uint64_t size = static_cast<uint64_t>(start);
  auto sink = [&](std::string_view block) -> Result<> {
    size += block.size();
    if (size > limit) return permanent("the mailbox is full: it would become larger than its size limit", "5.2.2");
    auto done = write_all(fd, block, "");
    if (!done) return delivery_error("write to mailbox", done.error().sys_errno);
    return {};
  };
  UMAYA_CHECK(copy_content(mail.message.content, {.quote_from = true}, std::move(text), sink));
  UMAYA_CHECK(sink("\n"));
  return static_cast<off_t>(size);
}

void cut(int fd, off_t size) {
  if (fs::calls().ftruncate(fd, size) == 0) fs::calls().fsync(fd);
}

void append_all(int fd, std::span<const MboxMessage> messages, std::span<Result<>> results,
                std::span<uint64_t> begins) {
  struct stat status {};
  bool known = ::fstat(fd, &status) == 0;
  const off_t before = status.st_size;
  off_t end = before;
  for (size_t i = 0; i < messages.size(); ++i) {
    if (!known) {
      results[i] = temporary("size of the mailbox is not known", "4.2.0");
      continue;
    }
    auto appended = append(fd, end, messages[i], begins[i]);
    if (appended) {
      end = *appended;
    } else {
      results[i] = std::unexpected(appended.error());
      cut(fd, end);
    }
  }
  if (end == before || fs::calls().fsync(fd) == 0) return;
  auto failed = delivery_error("fsync of mailbox");
  cut(fd, before);
  for (Result<>& result : results) {
    if (result) result = failed;
  }
}

void fail_all(std::span<Result<>> results, const Error& error) {
  for (Result<>& result : results) {
    if (result) result = std::unexpected(error);
  }
}

}  // namespace

std::string from_line(std::string_view sender, int64_t seconds) {
  std::string who = sender.empty() ? "MAILER-DAEMON" : printable(sender, true);
  for (char& c : who) {
    if (c == ' ') c = '_';
  }
  time_t time = static_cast<time_t>(seconds);
  struct tm parts {};
  ::localtime_r(&time, &parts);
  char text[64];
  size_t size = ::strftime(text, sizeof text, "%a %b %e %H:%M:%S %Y", &parts);
  return fmt::format("From {} {}\n", who, std::string_view(text, size));
}

std::vector<Result<>> deliver_mbox(int directory, const std::string& name, const MboxRules& rules,
                                   std::span<const MboxMessage> messages, std::vector<uint64_t>* begins) {
  std::vector<Result<>> results(messages.size());
  std::vector<uint64_t> unused;
  if (!begins) begins = &unused;
  begins->assign(messages.size(), 0);
  LockedMbox box(directory, name, rules);
  if (auto locked = box.acquire(); !locked) {
    fail_all(results, locked.error());
    return results;
  }
  append_all(box.fd(), messages, results, *begins);
  if (!box.created()) return results;
  if (auto synced = sync_directory(directory, name); !synced) fail_all(results, synced.error());
  return results;
}

}  // namespace umaya::mailbox
