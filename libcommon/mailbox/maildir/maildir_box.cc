#include "libcommon/mailbox/maildir/maildir_box.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "libcommon/fs/calls.h"
#include "libcommon/fs/directory.h"
#include "libcommon/mailbox/maildir/file_name.h"
#include "libcommon/mailbox/maildir/name_table.h"
#include "libcommon/mailbox/maildir/session_lock.h"
#include "libcommon/mailbox/maildirsize.h"
#include "libcommon/mailbox/wire_size.h"

namespace umaya::mailbox {

Result<std::unique_ptr<PopBox>> MaildirBox::open(const std::string& path, const Options& options) {
  UMAYA_TRY(IdPolicy policy, IdPolicy::parse(options.uidl_format, options.dovecot_uidl_format));
  UMAYA_TRY(MaildirFolder folder, MaildirFolder::open(path));
  std::unique_ptr<MaildirBox> box(new MaildirBox(std::move(folder), std::move(policy), options.expire));
  if (box->folder_.exists()) UMAYA_CHECK(box->start(options.lock));
  return std::unique_ptr<PopBox>(std::move(box));
}

std::unique_ptr<PopBox> MaildirBox::open_from_memory(const std::string& path, const Options& options) {
  auto policy = IdPolicy::parse(options.uidl_format, options.dovecot_uidl_format);
  auto folder = MaildirFolder::open_from_memory(path);
  if (!policy || !folder) return nullptr;
  std::unique_ptr<MaildirBox> box(new MaildirBox(std::move(*folder), std::move(*policy), options.expire));
  if (!box->start_as_known(options.lock)) return nullptr;
  return box;
}

bool MaildirBox::start_as_known(bool lock) {
  if (lock) {
    auto taken = take_session_lock(folder_);
    if (!taken) return false;
    lock_ = std::move(*taken);
  }
  file_ = IndexFile::open_from_memory(folder_);
  auto current = is_current(folder_, file_.header(), policy_);
  if (!current || !*current) return false;
  header_ = *file_.header();
  return true;
}

Result<void> MaildirBox::start(bool lock) {
  if (lock) {
    UMAYA_TRY(lock_, take_session_lock(folder_));
  }
  file_ = IndexFile::open(folder_);
  UMAYA_TRY(bool current, is_current(folder_, file_.header(), policy_));
  if (current) {
    header_ = *file_.header();
    return {};
  }
  UMAYA_TRY(index_, sync_maildir(folder_, file_, policy_));
  header_ = index_->header;
  return {};
}

Result<void> MaildirBox::load() {
  if (index_) return {};
  index_ = file_.load();
  if (index_) return {};
  UMAYA_TRY(index_, sync_maildir(folder_, IndexFile(), policy_));
  if (index_->header.count == header_.count) return {};
  index_.reset();
  return temporary(folder_.path() + "/" + kIndexName + " was damaged and is made anew");
}

MaildirBox::~MaildirBox() {
  if (!index_ || !learned_sizes_) return;
  bool numbered = std::all_of(index_->records.begin(), index_->records.end(), [](auto& mail) { return mail.uid != 0; });
  if (!numbered) return;
  // What it says of the directories is what it said when it was read.
  (void)write_index(folder_, *index_);
}

MaildirBox::Moved MaildirBox::place(size_t i) const {
  auto moved = moved_.find(i);
  if (moved != moved_.end()) return moved->second;
  return {std::string(index_->name(i)), (index_->records[i].flags & kInNew) != 0};
}

Result<void> MaildirBox::look_again() {
  NameTable bases(index_->records.size());
  for (uint32_t i = 0; i < index_->records.size(); ++i) bases.insert(maildir_base(index_->name(i)), i);
  std::vector<bool> seen(index_->records.size());
  for (bool in_new : {true, false}) {
    auto reader = fs::DirectoryReader::open(folder_.path() + (in_new ? "/new" : "/cur"));
    if (!reader && reader.error().sys_errno == ENOENT) continue;
    if (!reader) return std::unexpected(reader.error());
    while (auto entry = reader->next()) {
      uint32_t i = bases.find(maildir_base(entry->name));
      if (i == NameTable::kNone) continue;
      seen[i] = true;
      Moved before = place(i);
      if (before.name != entry->name || before.in_new != in_new) moved_[i] = {std::string(entry->name), in_new};
    }
    UMAYA_CHECK(reader->error());
  }
  for (size_t i = 0; i < seen.size(); ++i) {
    if (!seen[i]) moved_[i] = {};
  }
  return {};
}

Result<Fd> MaildirBox::open_file(size_t i) {
  UMAYA_CHECK(load());
  if (i >= index_->records.size()) return sys_error("message " + std::to_string(i + 1), ENOENT);
  for (int attempt = 0;; ++attempt) {
    Moved at = place(i);
    auto directory = folder_.directory(at.in_new);
    Fd fd;
    int error = ENOENT;
    if (directory && !at.name.empty()) {
      fd.reset(::openat(*directory, at.name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
      error = errno;
    }
    if (fd) return fd;
    bool gone = attempt > 0 && at.name.empty();
    if (error != ENOENT || attempt == 2 || gone)
      return sys_error(folder_.path() + ": message " + std::string(index_->name(i)), error);
    UMAYA_CHECK(look_again());
  }
}

Result<PopBox::Body> MaildirBox::open_message(size_t i) {
  UMAYA_TRY(Fd fd, open_file(i));
  struct stat status {};
  if (::fstat(fd.get(), &status) != 0) return sys_error(folder_.path());
  if (!S_ISREG(status.st_mode)) return temporary(folder_.path() + ": " + place(i).name + " is not a plain file");
  uint64_t size = static_cast<uint64_t>(status.st_size);
  MailRecord& record = index_->records[i];
  if (record.file_size != size) {
    bool differs = record.file_size != kUnknownSize;
    record.file_size = size;
    if (differs) UMAYA_CHECK(count_size(i, fd.get()));
  }
  return Body{std::move(fd), 0, size};
}

Result<uint64_t> MaildirBox::count_size(size_t i, int fd) {
  UMAYA_TRY(uint64_t octets, wire_size(fd));
  index_->records[i].wire_size = octets;
  learned_sizes_ = true;
  return octets;
}

Result<uint64_t> MaildirBox::size(size_t i) {
  UMAYA_CHECK(load());
  if (i >= index_->records.size()) return sys_error("message " + std::to_string(i + 1), ENOENT);
  const MailRecord& record = index_->records[i];
  if (record.wire_size != kUnknownSize) return record.wire_size;
  UMAYA_TRY(Body body, open_message(i));
  if (record.wire_size != kUnknownSize) return record.wire_size;
  return count_size(i, body.file.get());
}

Result<uint64_t> MaildirBox::total_size() {
  if (knows_total_size()) return header_.total_size;
  uint64_t total = 0;
  for (size_t i = 0; i < count(); ++i) {
    auto octets = size(i);
    if (!octets && octets.error().sys_errno == ENOENT) continue;
    if (!octets) return octets;
    total += *octets;
  }
  return total;
}

Result<void> MaildirBox::unique_id(size_t i, std::string& append_to) {
  UMAYA_CHECK(load());
  if (i >= index_->records.size()) return sys_error("message " + std::to_string(i + 1), ENOENT);
  append_to += index_->unique_id(i);
  return {};
}

Result<void> MaildirBox::mark_one_seen(size_t i) {
  for (int attempt = 0;; ++attempt) {
    Moved at = place(i);
    if (at.name.empty()) return {};
    std::string name = name_with_seen(at.name);
    if (name == at.name && !at.in_new) return {};
    UMAYA_TRY(int from, folder_.directory(at.in_new));
    UMAYA_TRY(int to, folder_.directory(false));
    if (::faccessat(to, name.c_str(), F_OK, AT_SYMLINK_NOFOLLOW) == 0) return {};  // another file: never replace it
    if (fs::calls().renameat(from, at.name.c_str(), to, name.c_str()) == 0) {
      moved_[i] = {std::move(name), false};
      return {};
    }
    if (errno != ENOENT || attempt == 2) return sys_error("mark " + at.name);
    UMAYA_CHECK(look_again());
  }
}

Result<void> MaildirBox::mark_seen(std::span<const size_t> which) {
  if (which.empty()) return {};
  UMAYA_CHECK(load());
  Result<void> result;
  for (size_t i : which) {
    if (i >= index_->records.size()) continue;
    auto marked = mark_one_seen(i);
    if (!marked && result) result = std::move(marked);
  }
  return result;
}

int64_t MaildirBox::counted_size(const Moved& at) {
  if (!has_quota_ || (flags_in_name(at.name).flags & kTrashed) != 0) return 0;
  if (auto size = size_in_name(at.name, 'S')) return static_cast<int64_t>(*size);
  auto directory = folder_.directory(at.in_new);
  struct stat status {};
  if (!directory || ::fstatat(*directory, at.name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) return 0;
  return status.st_size;
}

void MaildirBox::tell_quota() {
  if (freed_messages_ > 0) (void)add_to_maildirsize(folder_.root(), -freed_, -freed_messages_);
  freed_ = freed_messages_ = 0;
}

/// False when somebody else had removed it.
Result<bool> MaildirBox::remove_one(size_t i) {
  for (int attempt = 0;; ++attempt) {
    Moved at = place(i);
    auto directory = folder_.directory(at.in_new);
    int error = ENOENT;
    if (directory && !at.name.empty()) {
      int64_t octets = counted_size(at);
      if (fs::calls().unlinkat(*directory, at.name.c_str(), 0) == 0) {
        freed_ += octets;
        freed_messages_ += octets > 0 ? 1 : 0;
        return true;
      }
      error = errno;
    }
    if (error != ENOENT) return sys_error("remove " + at.name, error);
    if (attempt == 2 || (attempt > 0 && at.name.empty())) return false;
    UMAYA_CHECK(look_again());
  }
}

Result<void> MaildirBox::sync_directories() {
  Result<void> result;
  // cur/ first: a message that was moved there is then in both rather than in none.
  for (bool in_new : {false, true}) {
    auto directory = folder_.directory(in_new);
    if (!directory && directory.error().sys_errno == ENOENT) continue;
    if (!directory) return std::unexpected(directory.error());
    if (fs::calls().fsync(*directory) != 0 && result) result = sys_error("sync " + folder_.path());
  }
  return result;
}

Result<std::vector<size_t>> MaildirBox::expired() {
  std::vector<size_t> old;
  if (expire_ == Duration{} || count() == 0) return old;
  UMAYA_CHECK(load());
  constexpr int64_t kEarliest = 500'000'000;  // names that begin with less do not tell the time
  int64_t limit = wall_seconds() - std::chrono::duration_cast<std::chrono::seconds>(expire_).count();
  for (size_t i = 0; i < index_->records.size(); ++i) {
    int64_t received = index_->records[i].received;
    if (received >= kEarliest && received >= limit) continue;
    // The later of the two times counts: a message is rather kept than removed too early.
    Moved at = place(i);
    auto directory = folder_.directory(at.in_new);
    struct stat status {};
    if (!directory || ::fstatat(*directory, at.name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) continue;
    if (status.st_mtime < limit) old.push_back(i);
  }
  return old;
}

Result<size_t> MaildirBox::remove(std::span<const size_t> which) {
  if (!folder_.exists()) return 0;
  UMAYA_TRY(std::vector<size_t> all, expired());
  all.insert(all.end(), which.begin(), which.end());
  std::sort(all.begin(), all.end());
  all.erase(std::unique(all.begin(), all.end()), all.end());
  if (all.empty()) return 0;
  UMAYA_CHECK(load());
  has_quota_ = folder_.has("maildirsize");
  // Without the lock they are removed all the same: the next count puts the sums right.
  auto lock = has_quota_ ? MaildirSizeLock::take(folder_.root()) : temporary("no quota");
  size_t removed = 0;
  Result<void> result;
  for (size_t i : all) {
    if (i >= index_->records.size()) continue;
    auto done = remove_one(i);
    if (!done && result) result = std::unexpected(std::move(done.error()));
    if (done && *done) ++removed;
    if (done) moved_[i] = {};
  }
  tell_quota();
  auto synced = sync_directories();
  if (!synced && result) result = std::move(synced);
  if (!result) return std::unexpected(std::move(result.error()));
  return removed;
}

}  // namespace umaya::mailbox
