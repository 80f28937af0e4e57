#include "libcommon/mailbox/maildirsize.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <vector>

#include "libcommon/base/clock.h"
#include "libcommon/base/strings.h"
#include "libcommon/fs/calls.h"
#include "libcommon/fs/directory.h"
#include "libcommon/fs/file.h"
#include "libcommon/mailbox/maildir/file_name.h"
#include "libcommon/mailbox/maildir/maildir_folder.h"

namespace umaya::mailbox {

namespace {

constexpr const char* kName = "maildirsize";
constexpr size_t kMostText = 5120;
constexpr int64_t kTrustedSeconds = 15 * 60;
constexpr size_t kMostFolders = 10'000;
constexpr int64_t kMostSum = int64_t{1} << 60;

struct Usage {
  int64_t bytes = 0, messages = 0;
  int64_t newest = 0;  ///< latest change of a directory, ns
};

bool is_trash(std::string_view folder) {
  return folder == ".Trash" || folder.starts_with(".Trash.");
}

Result<void> count_directory(const std::string& path, Usage& usage) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) {
    if (errno == ENOENT) return {};
    return sys_error(path);
  }
  usage.newest = std::max(usage.newest, FileIdentity::of(status).modified_ns);
  UMAYA_TRY(auto reader, fs::DirectoryReader::open(path));
  while (auto entry = reader.next()) {
    if (entry->name.starts_with('.') || entry->kind == fs::EntryKind::directory) continue;
    if ((flags_in_name(entry->name).flags & kTrashed) != 0) continue;
    auto size = size_in_name(entry->name, 'S');
    if (!size) {
      std::string name = path + "/" + std::string(entry->name);
      if (::lstat(name.c_str(), &status) != 0 || !S_ISREG(status.st_mode)) continue;
      size = static_cast<uint64_t>(status.st_size);
    }
    usage.bytes += static_cast<int64_t>(*size);
    ++usage.messages;
  }
  return reader.error();
}

Result<std::vector<std::string>> folders_of(const std::string& path) {
  std::vector<std::string> folders{path};
  UMAYA_TRY(auto reader, fs::DirectoryReader::open(path));
  while (auto entry = reader.next()) {
    bool is_folder = entry->name.size() > 1 && entry->name[0] == '.' && entry->name[1] != '.' &&
                     (entry->kind == fs::EntryKind::directory || entry->kind == fs::EntryKind::unknown);
    if (is_folder && !is_trash(entry->name) && folders.size() < kMostFolders) {
      folders.push_back(path + "/" + std::string(entry->name));
    }
  }
  UMAYA_CHECK(reader.error());
  return folders;
}

Result<Usage> count_all(const std::string& path) {
  Usage usage;
  UMAYA_TRY(auto folders, folders_of(path));
  for (const std::string& folder : folders) {
    UMAYA_CHECK(count_directory(folder + "/new", usage));
    UMAYA_CHECK(count_directory(folder + "/cur", usage));
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

std::optional<QuotaLimits> parse_quota_limits(std::string_view text) {
  QuotaLimits limits;
  for (std::string_view part : split(text, ",")) {
    auto number = parse_uint(part.substr(0, part.size() - 1));
    if (!number || *number > static_cast<uint64_t>(kMostSum)) return std::nullopt;
    if (part.back() == 'S') {
      limits.bytes = *number;
    } else if (part.back() == 'C') {
      limits.messages = *number;
    } else {
      return std::nullopt;
    }
  }
  return limits;
}

std::string print_quota_limits(const QuotaLimits& limits) {
  std::string text;
  if (limits.bytes > 0) text = fmt::format("{}S", limits.bytes);
  if (limits.messages > 0) text += fmt::format("{}{}C", text.empty() ? "" : ",", limits.messages);
  return text;
}

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

Result<MaildirSize> MaildirSize::open(const std::string& path, const QuotaLimits& limits) {
  MaildirSize size(path, limits);
  UMAYA_TRY(bool good, size.read());
  if (!good || (!size.fits(0, 0) && (size.lines_ > 1 || wall_seconds() - size.written_ > kTrustedSeconds))) {
    UMAYA_CHECK(size.count());
  }
  return size;
}

/// False: it must be counted.
Result<bool> MaildirSize::read() {
  UMAYA_TRY(MaildirFolder folder, MaildirFolder::open(path_));
  if (!folder.exists()) return true;  // empty
  FileIdentity state;
  auto text = folder.read(kName, kMostText + 1, &state);
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
  int64_t begun = wall_usec() * 1000;
  UMAYA_TRY(Usage usage, count_all(path_));
  bytes_ = usage.bytes;
  messages_ = usage.messages;
  lines_ = 1;
  written_ = wall_seconds();
  UMAYA_TRY(MaildirFolder folder, MaildirFolder::open(path_));
  UMAYA_TRY(Usage again, count_all(path_));
  bool changed = again.newest != usage.newest || again.newest >= begun || again.bytes != usage.bytes;
  if (changed) {
    fs::calls().unlinkat(folder.root(), kName, 0);  // the next one counts
    return {};
  }
  std::string text = fmt::format("{}\n{} {}\n", print_quota_limits(limits_), bytes_, messages_);
  (void)folder.replace(kName, text, MaildirFolder::Durable::no);
  return {};
}

bool MaildirSize::fits(uint64_t bytes, uint64_t messages) const {
  if (limits_.bytes > 0 && this->bytes() + bytes > limits_.bytes) return false;
  return limits_.messages == 0 || this->messages() + messages <= limits_.messages;
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
  return add_to_maildirsize(path_, bytes, messages);
}

Result<void> add_to_maildirsize(const std::string& path, int64_t bytes, int64_t messages) {
  std::string name = path + "/" + kName;
  Fd fd(fs::calls().openat(AT_FDCWD, name.c_str(), O_WRONLY | O_APPEND | O_NOFOLLOW | O_NONBLOCK, 0));
  if (!fd && errno == ENOENT) return {};  // whoever needs it counts
  if (!fd) return sys_error("open " + name);
  return fs::write_all(fd.get(), fmt::format("{} {}\n", bytes, messages));
}

}  // namespace umaya::mailbox
