#include "libcommon/mailbox/maildir/maildir_scan.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>

#include "libcommon/base/clock.h"
#include "libcommon/base/random.h"
#include "libcommon/fs/calls.h"
#include "libcommon/fs/directory.h"
#include "libcommon/mailbox/maildir/file_name.h"
#include "libcommon/mailbox/maildir/name_table.h"

namespace umaya::mailbox {

namespace {

constexpr int64_t kSettled = 2'000'000'000;            // ns: coarser than any file system's time stamps
constexpr int64_t kFarFuture = 3600 * 1'000'000'000l;  // ns: a clock was wrong; the next change will be of today
constexpr int kAttempts = 6;
constexpr size_t kMostNames = size_t{1} << 31;

struct Entry {
  size_t offset;
  size_t length;
  bool in_new;
};

class Scan {
 public:
  Scan(MaildirFolder& folder, const MailIndex& known) : folder_(folder), known_(known) {}
  Result<ScanResult> run();

 private:
  Result<void> look();
  Result<void> read_names(bool is_new);
  void merge();
  void take(const Entry& entry, NameTable& bases);
  void meet_again(ScannedMail& mail, std::string_view name, bool in_new);
  void give_own_name(std::string_view name, bool in_new);
  std::string_view keep(std::string text);
  static void set_name(ScannedMail& mail, std::string_view name, bool in_new);

  MaildirFolder& folder_;
  const MailIndex& known_;
  ScanResult result_;
  std::vector<Entry> entries_;
  std::vector<bool> present_;
  std::string* names_ = nullptr;
  bool read_new_ = true, read_cur_ = true;
  size_t missing_ = 0;
};

void nap() {
  timespec time{0, 5'000'000};
  ::nanosleep(&time, nullptr);
}

std::string_view Scan::keep(std::string text) {
  result_.texts.push_back(std::make_unique<std::string>(std::move(text)));
  return *result_.texts.back();
}

Result<void> Scan::read_names(bool is_new) {
  if ((is_new ? result_.fresh : result_.current).inode == 0) return {};
  auto reader = fs::DirectoryReader::open(folder_.path() + (is_new ? "/new" : "/cur"));
  if (!reader) return std::unexpected(reader.error());
  while (auto entry = reader->next()) {
    if (entry->kind == fs::EntryKind::directory || entry->kind == fs::EntryKind::other) continue;
    if (!is_message_name(entry->name) || names_->size() > kMostNames) continue;
    entries_.push_back({names_->size(), entry->name.size(), is_new});
    *names_ += entry->name;
  }
  return reader->error();
}

/// Reads what has changed, once; new/ first, because messages move from there to cur/.
Result<void> Scan::look() {
  result_ = {};
  entries_.clear();
  UMAYA_TRY(result_.fresh, folder_.identity("new"));
  UMAYA_TRY(result_.current, folder_.identity("cur"));
  const IndexHeader& header = known_.header;
  read_new_ = result_.fresh != header.fresh || (header.state & kNewUnsettled) != 0;
  read_cur_ = result_.current != header.current || (header.state & kCurUnsettled) != 0;
  if (is_unsettled(result_.fresh)) result_.state |= kNewUnsettled;
  if (is_unsettled(result_.current)) result_.state |= kCurUnsettled;
  result_.texts.push_back(std::make_unique<std::string>());
  names_ = result_.texts.back().get();
  if (read_new_) UMAYA_CHECK(read_names(true));
  if (read_cur_) UMAYA_CHECK(read_names(false));
  return {};
}

void Scan::set_name(ScannedMail& mail, std::string_view name, bool in_new) {
  NameFlags flags = flags_in_name(name);
  mail.name = name;
  mail.record.keywords = flags.keywords;
  mail.record.flags = (mail.record.flags & kFixedId) | flags.flags | (in_new ? kInNew : 0);
}

/// A file of this base was seen before in this scan.
void Scan::meet_again(ScannedMail& mail, std::string_view name, bool in_new) {
  auto before = folder_.directory((mail.record.flags & kInNew) != 0);
  auto now = folder_.directory(in_new);
  struct stat first {
  }, second{};
  if (!before || !now) return;
  if (::fstatat(*now, std::string(name).c_str(), &second, AT_SYMLINK_NOFOLLOW) != 0) return;
  if (::fstatat(*before, std::string(mail.name).c_str(), &first, AT_SYMLINK_NOFOLLOW) != 0) {
    set_name(mail, name, in_new);  // it was moved while we read
    return;
  }
  if (first.st_ino != second.st_ino || first.st_dev != second.st_dev) return give_own_name(name, in_new);
  bool was_in_new = (mail.record.flags & kInNew) != 0;
  if (was_in_new == in_new && mail.name == name) return;
  if (was_in_new && !in_new) {  // linked into cur/, not yet removed from new/
    fs::calls().unlinkat(*before, std::string(mail.name).c_str(), 0);
    set_name(mail, name, in_new);
  } else {
    fs::calls().unlinkat(*now, std::string(name).c_str(), 0);
  }
}

void Scan::give_own_name(std::string_view name, bool in_new) {
  auto directory = folder_.directory(in_new);
  std::string_view base = maildir_base(name);
  size_t comma = std::min(base.find(','), base.size());
  std::string fresh = fmt::format("{}.M{:06}P{}R{:016x}{}{}", wall_seconds(), wall_usec() % 1'000'000, getpid(),
                                  random_u64(), base.substr(comma), name.substr(base.size()));
  if (!directory || fresh.size() > 255) return;
  if (fs::calls().renameat(*directory, std::string(name).c_str(), *directory, fresh.c_str()) != 0) return;
  result_.state |= in_new ? kNewUnsettled : kCurUnsettled;
  ScannedMail mail;
  set_name(mail, keep(std::move(fresh)), in_new);
  result_.mails.push_back(mail);
  present_.push_back(true);
}

void Scan::take(const Entry& entry, NameTable& bases) {
  std::string_view name = std::string_view(*names_).substr(entry.offset, entry.length);
  uint32_t i = bases.insert(maildir_base(name), static_cast<uint32_t>(result_.mails.size()));
  if (i == NameTable::kNone) {
    result_.mails.emplace_back();
    present_.push_back(true);
    set_name(result_.mails.back(), name, entry.in_new);
  } else if (present_[i]) {
    meet_again(result_.mails[i], name, entry.in_new);
  } else {
    present_[i] = true;
    set_name(result_.mails[i], name, entry.in_new);
  }
}

/// Brings what was read together with what was known.
void Scan::merge() {
  std::vector<ScannedMail>& mails = result_.mails;
  mails.reserve(known_.records.size() + entries_.size());
  present_.clear();
  NameTable bases(known_.records.size() + entries_.size());
  for (uint32_t i = 0; i < known_.records.size(); ++i) {
    const MailRecord& record = known_.records[i];
    bool in_new = (record.flags & kInNew) != 0;
    mails.push_back({record, known_.name(i), known_.unique_id(i)});
    present_.push_back(!(in_new ? read_new_ : read_cur_));
    bases.insert(mails.back().base(), i);
  }
  for (const Entry& entry : entries_) take(entry, bases);
  size_t kept = 0;
  for (size_t i = 0; i < mails.size(); ++i) {
    if (present_[i]) mails[kept++] = mails[i];
  }
  missing_ = mails.size() - kept;
  mails.resize(kept);
}

Result<ScanResult> Scan::run() {
  for (int attempt = 1;; ++attempt) {
    UMAYA_CHECK(look());
    merge();
    UMAYA_TRY(FileIdentity fresh, folder_.identity("new"));
    UMAYA_TRY(FileIdentity current, folder_.identity("cur"));
    bool moved = fresh != result_.fresh || current != result_.current;
    if (moved) result_.state |= kNewUnsettled | kCurUnsettled;
    bool doubtful = moved || (result_.state != 0 && missing_ > 0 && attempt == 1);
    if (!doubtful || attempt == kAttempts) return std::move(result_);
    nap();
  }
}

}  // namespace

bool is_unsettled(const FileIdentity& state) {
  int64_t age = wall_usec() * 1000 - state.modified_ns;
  return state.inode != 0 && age < kSettled && age > -kFarFuture;
}

Result<ScanResult> scan_maildir(MaildirFolder& folder, const MailIndex& known) {
  return Scan(folder, known).run();
}

}  // namespace umaya::mailbox
