#include "libcommon/mailbox/maildir_reader.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <tuple>

#include "libcommon/base/strings.h"
#include "libcommon/fs/directory.h"
#include "libcommon/fs/lock.h"
#include "libcommon/mailbox/digest.h"
#include "libcommon/mailbox/wire_size.h"

namespace umaya::mailbox {

namespace {

constexpr size_t kMostUniqueId = 70;  // RFC 1939 section 7, UIDL
constexpr const char* kLockName = "umaya-pop3.lock";

/// Digits from text[at] on, as a number; 0 when there are none.
uint64_t number_at(std::string_view text, size_t at) {
  size_t end = at;
  while (end < text.size() && ascii_digit(text[end])) ++end;
  return parse_uint(text.substr(at, end - at)).value_or(0);
}

/// Seconds and microseconds of the delivery, as the name tells them: "1700000000.M123P45.host".
std::pair<uint64_t, uint64_t> delivery_time(std::string_view name) {
  size_t dot = name.find('.');
  uint64_t micros = 0;
  if (dot != std::string_view::npos && dot + 1 < name.size() && name[dot + 1] == 'M') micros = number_at(name, dot + 2);
  return {number_at(name, 0), micros};
}

/// The value of ",W=number" in the name's unchanging part.
std::optional<uint64_t> size_in_name(std::string_view name) {
  std::string_view base = maildir_base(name);
  size_t at = base.find(",W=");
  if (at == std::string_view::npos) return std::nullopt;
  size_t end = base.find(',', at + 1);
  return parse_uint(base.substr(at + 3, end == std::string_view::npos ? end : end - at - 3));
}

bool printable_without_blank(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 127; });
}

}  // namespace

std::string_view maildir_base(std::string_view name) {
  return name.substr(0, name.find(':'));
}

Result<MaildirReader> MaildirReader::open(const std::string& path) {
  MaildirReader box;
  box.path_ = path;
  for (auto [place, name] : {std::pair{Place::fresh, "/new"}, std::pair{Place::current, "/cur"}}) {
    Fd& fd = place == Place::fresh ? box.fresh_ : box.current_;
    fd.reset(::open((path + name).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!fd && errno == ENOENT) continue;
    if (!fd) return sys_error("open " + path + name);
    UMAYA_CHECK(box.scan(place));
  }
  std::sort(box.messages_.begin(), box.messages_.end(), [](const Message& a, const Message& b) {
    auto time_a = delivery_time(a.name);
    auto time_b = delivery_time(b.name);
    return std::tie(time_a, a.name) < std::tie(time_b, b.name);
  });
  return box;
}

Result<void> MaildirReader::scan(Place place) {
  UMAYA_TRY(fs::DirectoryReader reader, fs::DirectoryReader::open(path_ + (place == Place::fresh ? "/new" : "/cur")));
  while (auto entry = reader.next()) {
    if (entry->name.starts_with('.') || entry->kind == fs::EntryKind::directory) continue;
    if (entry->kind == fs::EntryKind::other) continue;  // links and pipes are no messages
    messages_.push_back({std::string(entry->name), place, size_in_name(entry->name)});
  }
  return reader.error();
}

std::string MaildirReader::unique_id(size_t i) const {
  std::string_view base = maildir_base(messages_[i].name);
  std::string_view id = base.substr(0, base.find(','));
  if (!id.empty() && id.size() <= kMostUniqueId && printable_without_blank(id)) return std::string(id);
  return short_digest(base);
}

/// Somebody renamed the file: looks for its unchanging part in both directories.
Result<void> MaildirReader::find_again(Message& message) {
  for (auto [place, name] : {std::pair{Place::current, "/cur"}, std::pair{Place::fresh, "/new"}}) {
    if (directory(place) < 0) continue;
    UMAYA_TRY(fs::DirectoryReader reader, fs::DirectoryReader::open(path_ + name));
    while (auto entry = reader.next()) {
      if (maildir_base(entry->name) != maildir_base(message.name)) continue;
      message.name = entry->name;
      message.place = place;
      return {};
    }
  }
  return sys_error("message " + message.name, ENOENT);
}

Result<Fd> MaildirReader::open_message(size_t i) {
  Message& message = messages_[i];
  for (int attempt = 0;; ++attempt) {
    Fd fd(openat(directory(message.place), message.name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    if (!fd && errno == ENOENT && attempt < 2) {
      UMAYA_CHECK(find_again(message));
      continue;
    }
    if (!fd) return sys_error("open " + path_ + "/…/" + message.name);
    struct stat status {};
    if (fstat(fd.get(), &status) != 0) return sys_error(message.name);
    if (!S_ISREG(status.st_mode)) return temporary(message.name + " is not a plain file");
    return fd;
  }
}

Result<uint64_t> MaildirReader::size(size_t i) {
  Message& message = messages_[i];
  if (!message.size) {
    UMAYA_TRY(Fd fd, open_message(i));
    UMAYA_TRY(message.size, wire_size(fd.get()));
  }
  return *message.size;
}

Result<void> MaildirReader::remove(std::span<const size_t> which) {
  Result<void> result;
  for (size_t i : which) {
    Message& message = messages_[i];
    for (int attempt = 0; unlinkat(directory(message.place), message.name.c_str(), 0) != 0; ++attempt) {
      int error = errno;
      // Gone already: what was asked for.
      if (error == ENOENT && (attempt == 2 || !find_again(message))) break;
      if (error == ENOENT) continue;
      if (result) result = sys_error("remove " + message.name, error);
      break;
    }
  }
  if (which.empty()) return result;
  for (const Fd* fd : {&fresh_, &current_}) {
    if (*fd && fsync(fd->get()) != 0 && result) result = sys_error("sync " + path_);
  }
  return result;
}

Result<MaildirReader::Lock> MaildirReader::lock() {
  if (!fresh_ && !current_) return Lock::taken;  // nothing to share
  std::string name = path_ + "/" + kLockName;
  lock_.reset(::open(name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600));
  if (!lock_) return sys_error("open " + name);
  UMAYA_TRY(fs::LockState state, fs::try_lock(lock_.get(), fs::LockKind::flock));
  return state == fs::LockState::locked ? Lock::taken : Lock::in_use;
}

}  // namespace umaya::mailbox
