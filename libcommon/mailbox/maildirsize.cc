#include "libcommon/mailbox/maildirsize.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <thread>
#include <vector>

#include "libcommon/base/clock.h"
#include "libcommon/base/strings.h"
#include "libcommon/fs/calls.h"
#include "libcommon/fs/directory.h"
#include "libcommon/fs/file.h"
#include "libcommon/fs/lock.h"
#include "libcommon/mailbox/maildir/file_name.h"

namespace umaya::mailbox {

using namespace std::chrono_literals;

namespace {

constexpr const char* kName = "maildirsize";
constexpr size_t kMostText = 5120;
constexpr int64_t kTrustedSeconds = 15 * 60;
constexpr size_t kMostFolders = 10'000;
constexpr int64_t kMostSum = int64_t{1} << 60;
constexpr Duration kPatience = 30s;

struct Usage {
  int64_t bytes = 0, messages = 0;
  int64_t newest = 0;  ///< latest change of a directory, ns
};

bool is_trash(std::string_view folder) {
  return folder == ".Trash" || folder.starts_with(".Trash.");
}

Result<void> count_directory(int maildir, const std::string& name, Usage& usage) {
  auto reader = fs::DirectoryReader::open_at(maildir, name);
  if (!reader && (reader.error().sys_errno == ENOENT || reader.error().sys_errno == ENOTDIR)) return {};
  if (!reader) return std::unexpected(reader.error());
  struct stat status {};
  if (::fstat(reader->fd(), &status) != 0) return sys_error(name);
  usage.newest = std::max(usage.newest, FileIdentity::of(status).modified_ns);
  while (auto entry = reader->next()) {
    if (entry->name.starts_with('.') || entry->kind == fs::EntryKind::directory) continue;
    if ((flags_in_name(entry->name).flags & kTrashed) != 0) continue;
    auto size = size_in_name(entry->name, 'S');
    if (!size) {
      const std::string file(entry->name);
      if (::fstatat(reader->fd(), file.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(status.st_mode)) {
        continue;
      }
      size = static_cast<uint64_t>(status.st_size);
    }
    usage.bytes += static_cast<int64_t>(std::min<uint64_t>(*size, kMostSum / 4096));
    ++usage.messages;
  }
  return reader->error();
}

Result<std::vector<std::string>> folders_of(int maildir) {
  std::vector<std::string> folders{""};
  UMAYA_TRY(auto reader, fs::DirectoryReader::open_at(maildir, "."));
  while (auto entry = reader.next()) {
    bool is_folder = entry->name.size() > 1 && entry->name[0] == '.' && entry->name[1] != '.' &&
                     (entry->kind == fs::EntryKind::directory || entry->kind == fs::EntryKind::unknown);
    if (is_folder && !is_trash(entry->name) && folders.size() < kMostFolders) {
      folders.push_back(std::string(entry->name) + "/");
    }
  }
  UMAYA_CHECK(reader.error());
  return folders;
}

Result<Usage> count_all(int maildir) {
  Usage usage;
  UMAYA_TRY(auto folders, folders_of(maildir));
  for (const std::string& folder : folders) {
    UMAYA_CHECK(count_directory(maildir, folder + "new", usage));
    UMAYA_CHECK(count_directory(maildir, folder + "cur", usage));
  }
  return usage;
}

/// "<bytes> <messages>"
bool add_line(std::string_view line, MaildirSizeFile& file) {
  auto words = split(line, " \t\r");
  if (words.size() != 2) return false;
  auto bytes = parse_int(words[0]), messages = parse_int(words[1]);
  if (!bytes || !messages) return false;
  if (std::abs(*bytes) > kMostSum / 4096 || std::abs(*messages) > kMostSum / 4096) return false;
  file.bytes += *bytes;
  file.messages += *messages;
  ++file.lines;
  return true;
}

}  // namespace

std::optional<MaildirSizeFile> parse_maildirsize(std::string_view text) {
  MaildirSizeFile file;
  size_t end = text.find('\n');
  if (end == text.npos || text.size() > kMostText) return std::nullopt;
  auto limits = parse_quota_limits(trim(text.substr(0, end)));
  if (!limits) return std::nullopt;
  file.limits = *limits;
  for (text.remove_prefix(end + 1); !text.empty(); text.remove_prefix(end + 1)) {
    end = text.find('\n');
    if (end == text.npos || !add_line(text.substr(0, end), file)) return std::nullopt;
  }
  if (file.lines == 0 || file.bytes < 0 || file.messages < 0) return std::nullopt;
  return file;
}

Result<Fd> quota_root(int maildir) {
  bool is_folder = ::faccessat(maildir, "maildirfolder", F_OK, AT_SYMLINK_NOFOLLOW) == 0;
  Fd root(::openat(maildir, is_folder ? ".." : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!root) return sys_error("open Maildir");
  return root;
}

Result<MaildirSizeLock> MaildirSizeLock::take(int maildir) {
  Fd tmp(::openat(maildir, "tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!tmp && errno == ENOENT) return MaildirSizeLock(Fd());
  if (!tmp) return sys_error("open tmp/ of the Maildir");
  const TimePoint end = monotonic_now() + kPatience;
  for (auto pause = 100us; true; pause = std::min<std::chrono::microseconds>(pause * 2, 20ms)) {
    auto state = fs::try_lock(tmp.get(), fs::LockKind::flock);
    if (!state || *state == fs::LockState::locked) return MaildirSizeLock(std::move(tmp));
    if (monotonic_now() >= end) return temporary("the Maildir is locked: others count its quota", "4.2.0");
    std::this_thread::sleep_for(pause);
  }
}

Result<MaildirSize> MaildirSize::open(const std::string& path, const QuotaLimits& limits) {
  UMAYA_TRY(MaildirFolder folder, MaildirFolder::open(path));
  return open(std::move(folder), limits);
}

Result<MaildirSize> MaildirSize::open(int maildir, const QuotaLimits& limits) {
  UMAYA_TRY(Fd root, quota_root(maildir));
  return open(MaildirFolder::at(std::move(root), "Maildir"), limits);
}

Result<MaildirSize> MaildirSize::open(MaildirFolder folder, const QuotaLimits& limits) {
  MaildirSize size(std::move(folder), limits);
  UMAYA_TRY(bool good, size.read());
  if (!good || (!size.fits(0, 0) && (size.lines_ > 1 || wall_seconds() - size.written_ > kTrustedSeconds))) {
    UMAYA_CHECK(size.count());
  }
  return size;
}

/// False: it must be counted.
Result<bool> MaildirSize::read() {
  if (!folder_.exists()) return true;  // empty
  FileIdentity state;
  auto text = folder_.read(kName, kMostText + 1, &state);
  if (!text || !*text) return false;
  auto file = parse_maildirsize(**text);
  if (!file) return false;
  if (limits_ == QuotaLimits{}) limits_ = file->limits;
  if (file->limits != limits_) return false;
  bytes_ = file->bytes;
  messages_ = file->messages;
  lines_ = file->lines;
  written_ = state.modified_ns / 1'000'000'000;
  return true;
}

Result<void> MaildirSize::count() {
  if (!folder_.exists()) return {};
  int64_t begun = wall_usec() * 1000;
  UMAYA_TRY(Usage usage, count_all(folder_.root()));
  bytes_ = usage.bytes;
  messages_ = usage.messages;
  lines_ = 1;
  written_ = wall_seconds();
  UMAYA_TRY(Usage again, count_all(folder_.root()));
  bool changed = again.newest != usage.newest || again.newest >= begun || again.bytes != usage.bytes;
  if (changed) {
    fs::calls().unlinkat(folder_.root(), kName, 0);  // the next one counts
    return {};
  }
  if (limits_ == QuotaLimits{}) return {};  // nobody's quota: nothing to keep
  std::string text = fmt::format("{}\n{} {}\n", print_quota_limits(limits_), bytes_, messages_);
  if (!folder_.replace(kName, text, MaildirFolder::Durable::no)) fs::calls().unlinkat(folder_.root(), kName, 0);
  return {};
}

Result<bool> MaildirSize::has_room(uint64_t bytes, uint64_t messages) {
  if (fits(bytes, messages)) return true;
  if (lines_ <= 1 && wall_seconds() - written_ < kTrustedSeconds) return false;
  UMAYA_CHECK(count());
  return fits(bytes, messages);
}

Result<void> MaildirSize::add(int64_t bytes, int64_t messages) {
  bytes_ = std::max<int64_t>(bytes_ + bytes, 0);
  messages_ = std::max<int64_t>(messages_ + messages, 0);
  ++lines_;
  if (!folder_.exists()) return {};
  return add_to_maildirsize(folder_.root(), bytes, messages);
}

Result<void> add_to_maildirsize(int maildir, int64_t bytes, int64_t messages) {
  Fd fd(fs::calls().openat(maildir, kName, O_WRONLY | O_APPEND | O_NOFOLLOW | O_NONBLOCK, 0));
  if (!fd && errno == ENOENT) return {};  // whoever needs it counts
  Result<void> done = sys_error("open maildirsize");
  if (fd) done = fs::write_all(fd.get(), fmt::format("{} {}\n", bytes, messages));
  if (!done) fs::calls().unlinkat(maildir, kName, 0);
  return done;
}

}  // namespace umaya::mailbox
