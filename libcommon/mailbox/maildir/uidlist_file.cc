#include "libcommon/mailbox/maildir/uidlist_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "libcommon/fs/calls.h"
#include "libcommon/fs/file.h"

namespace umaya::mailbox {

namespace {

using namespace std::chrono_literals;

constexpr const char* kLockName = "dovecot-uidlist.lock";
constexpr Duration kStaleLock = 120s;
constexpr size_t kMostText = size_t{512} << 20;

void nap() {
  timespec time{0, 10'000'000};
  ::nanosleep(&time, nullptr);
}

}  // namespace

Result<void> UidlistFile::read() {
  UMAYA_TRY(auto text, folder_.read(kUidlistName, kMostText, &identity_));
  texts_.push_back(std::make_unique<std::string>(text ? std::move(*text) : std::string()));
  list_ = parse_uidlist(*texts_.back());
  return {};
}

Result<bool> UidlistFile::lock(Duration limit) {
  TimePoint end = monotonic_now() + limit;
  while (!lock_) {
    UMAYA_TRY(std::optional<Dotlock> lock,
              Dotlock::try_lock(folder_.root(), kLockName, kStaleLock, LockOwner::pid_and_host));
    if (lock) {
      lock_.emplace(std::move(*lock));
    } else if (monotonic_now() >= end) {
      return false;
    } else {
      nap();
    }
  }
  return true;
}

Result<void> UidlistFile::append(std::string_view lines) {
  std::string path = folder_.path() + "/" + kUidlistName;
  UMAYA_TRY(Fd fd, fs::open_safe(path, O_WRONLY | O_APPEND));
  struct stat status {};
  if (::fstat(fd.get(), &status) != 0) return sys_error(path);
  auto done = fs::write_all(fd.get(), lines);
  if (done) done = fs::sync_data(fd.get());
  if (!done) {
    (void)fs::truncate(fd.get(), static_cast<uint64_t>(status.st_size));
    return done;
  }
  if (::fstat(fd.get(), &status) != 0) return sys_error(path);
  identity_ = FileIdentity::of(status);
  return {};
}

Result<void> UidlistFile::replace(const std::string& text) {
  UMAYA_CHECK(folder_.replace(kUidlistName, text, MaildirFolder::Durable::yes));
  UMAYA_TRY(identity_, folder_.identity(kUidlistName));
  return {};
}

}  // namespace umaya::mailbox
