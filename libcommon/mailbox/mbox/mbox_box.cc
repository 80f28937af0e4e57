#include "libcommon/mailbox/mbox/mbox_box.h"

#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "libcommon/base/checksum.h"
#include "libcommon/base/clock.h"
#include "libcommon/base/strings.h"
#include "libcommon/fs/file.h"
#include "libcommon/fs/lock.h"
#include "libcommon/mailbox/digest.h"
#include "libcommon/mailbox/maildir/name_table.h"
#include "libcommon/mailbox/maildir/unique_id.h"

namespace umaya::mailbox {

namespace {

using namespace std::chrono_literals;

constexpr size_t kBlock = 256 * 1024;
constexpr int kLockAttempts = 20;
constexpr Duration kLockDelay = 250ms;

std::unexpected<Error> no_message(size_t i) {
  return sys_error("message " + std::to_string(i + 1), ENOENT);
}

Result<std::string> read_part(int fd, uint64_t begin, uint64_t end) {
  std::string text(end - begin, '\0');
  UMAYA_TRY(size_t n, fs::read_at(fd, text, begin));
  if (n != text.size()) return temporary("the mailbox has become shorter");
  return text;
}

/// The lines of a header without those that hold the state.
std::string shown_head(std::string_view head) {
  std::string shown;
  bool hidden = false;
  while (!head.empty()) {
    std::string_view line = head.substr(0, std::min(head.find('\n'), head.size() - 1) + 1);
    head.remove_prefix(line.size());
    if (!line.starts_with(' ') && !line.starts_with('\t')) hidden = is_state_header(line);
    if (!hidden) shown += line;
  }
  return shown;
}

/// A header with "Status: RO".
std::string seen_head(std::string_view head) {
  std::string marked;
  bool dropped = false;
  bool crlf = false;
  while (!head.empty()) {
    std::string_view line = head.substr(0, std::min(head.find('\n'), head.size() - 1) + 1);
    head.remove_prefix(line.size());
    if (!line.starts_with(' ') && !line.starts_with('\t')) {
      dropped = line.size() > 7 && to_lower(line.substr(0, 7)) == "status:";
    }
    if (!dropped) marked += line;
    crlf = line.ends_with("\r\n");
  }
  if (!marked.empty() && !marked.ends_with('\n')) marked += '\n';
  return marked + (crlf ? "Status: RO\r\n" : "Status: RO\n");
}

}  // namespace

Result<std::unique_ptr<PopBox>> MboxBox::open(const std::string& path, const Options& options) {
  std::unique_ptr<MboxBox> box(new MboxBox(path, options));
  UMAYA_CHECK(box->start());
  return std::unique_ptr<PopBox>(std::move(box));
}

Result<void> MboxBox::start() {
  auto [folder, name] = split_path(path_);
  name_ = name;
  rules_.dotlock = DotlockNeed::if_possible;
  rules_.lock_attempts = kLockAttempts;
  rules_.lock_delay = kLockDelay;
  directory_.reset(::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory_ && errno == ENOENT) return {};
  if (!directory_) return sys_error("open " + folder);
  auto file = open_file_in(directory_.get(), name_, O_RDWR, Missing::fail);
  if (!file && file.error().sys_errno == ENOENT) return {};
  if (!file) return std::unexpected(std::move(file.error()));
  file_ = std::move(file->fd);
  if (options_.lock) {
    UMAYA_TRY(fs::LockState state, fs::try_lock(file_.get(), fs::LockKind::flock));
    if (state == fs::LockState::busy) return sys_error("another session has the mailbox", EBUSY);
  }
  LockedMbox locked(directory_.get(), name_, rules_, Missing::fail);
  UMAYA_CHECK(locked.acquire());
  return read_all(locked.fd());
}

Result<void> MboxBox::read_all(int fd) {
  MboxParser parser;
  std::string block(kBlock, '\0');
  while (true) {
    UMAYA_TRY(size_t n, fs::read_at(fd, block, size_));
    if (n == 0) break;
    std::string_view part = std::string_view(block).substr(0, n);
    checksum_ = crc32c(part, checksum_);
    size_ += n;
    parser.feed(part);
  }
  parser.finish();
  if (!parser.is_mbox()) return temporary(path_ + " is not an mbox file");
  mails_ = parser.mails();
  imap_base_ = parser.imap_base();
  mark_.resize(mails_.size());
  for (const MboxMail& mail : mails_) total_ += mail.wire_size;
  return make_ids(parser.uid_validity());
}

Result<void> MboxBox::make_ids(uint32_t uid_validity) {
  UMAYA_TRY(auto format, UniqueIdFormat::parse(options_.dovecot_uidl_format, UniqueIdFormat::Name::base));
  NameTable known(mails_.size());
  ids_.reserve(mails_.size());  // the table borrows their text
  for (uint32_t i = 0; i < mails_.size(); ++i) {
    const MboxMail& mail = mails_[i];
    std::string id = mail.x_uidl.empty() ? mail.digest : mail.x_uidl;
    if (uid_validity != 0 && mail.uid != 0) id = format.make({mail.uid, uid_validity, mail.digest});
    ids_.push_back(std::move(id));
    for (uint32_t n = 2; known.find(ids_[i]) != NameTable::kNone; ++n) {
      ids_[i] = short_digest(mail.digest + "/" + std::to_string(n));
    }
    known.insert(ids_[i], i);
  }
  return {};
}

Result<uint64_t> MboxBox::size(size_t i) {
  if (i >= mails_.size()) return no_message(i);
  return mails_[i].wire_size;
}

Result<void> MboxBox::unique_id(size_t i, std::string& append_to) {
  if (i >= mails_.size()) return no_message(i);
  append_to += ids_[i];
  return {};
}

Result<PopBox::Body> MboxBox::open_message(size_t i) {
  if (i >= mails_.size()) return no_message(i);
  const MboxMail& mail = mails_[i];
  UMAYA_CHECK(check_place(mail));
  if (mail.has_state) return shown_copy(mail);
  Fd copy(::fcntl(file_.get(), F_DUPFD_CLOEXEC, 0));
  if (!copy) return sys_error(path_);
  return Body{std::move(copy), mail.head, mail.end - mail.head};
}

/// The same place must hold the same message: another program may have rewritten the file.
Result<void> MboxBox::check_place(const MboxMail& mail) const {
  struct stat status {};
  if (::fstat(file_.get(), &status) != 0) return sys_error(path_);
  auto gone = [this] { return sys_error(path_ + ": a message", ENOENT); };
  if (static_cast<uint64_t>(status.st_size) < mail.end) return gone();
  UMAYA_TRY(std::string head, read_part(file_.get(), mail.begin, mail.body));
  MboxParser parser;
  parser.feed(head);
  parser.finish();
  if (!parser.is_mbox() || parser.mails().size() != 1 || parser.mails()[0].digest != mail.digest) return gone();
  return {};
}

/// In memory, because a part of the file does not do.
Result<PopBox::Body> MboxBox::shown_copy(const MboxMail& mail) {
  Fd copy(::memfd_create("message", MFD_CLOEXEC));
  if (!copy) return sys_error("memfd_create");
  UMAYA_TRY(std::string head, read_part(file_.get(), mail.head, mail.body));
  head = shown_head(head);
  UMAYA_CHECK(fs::write_all(copy.get(), head));
  uint64_t size = head.size();
  for (uint64_t at = mail.body; at < mail.end;) {
    UMAYA_TRY(std::string part, read_part(file_.get(), at, std::min<uint64_t>(mail.end, at + kBlock)));
    UMAYA_CHECK(fs::write_all(copy.get(), part));
    at += part.size();
    size += part.size();
  }
  return Body{std::move(copy), 0, size};
}

Result<void> MboxBox::mark_seen(std::span<const size_t> which) {
  for (size_t i : which) {
    if (i < mails_.size() && !mails_[i].seen) mark_[i] = true;
  }
  return {};
}

void MboxBox::mark_expired(std::vector<bool>& deleted) const {
  if (options_.expire == Duration{}) return;
  int64_t limit = wall_seconds() - std::chrono::duration_cast<std::chrono::seconds>(options_.expire).count();
  for (size_t i = 0; i < mails_.size(); ++i) {
    if (mails_[i].received > 0 && mails_[i].received < limit) deleted[i] = true;
  }
}

Result<size_t> MboxBox::remove(std::span<const size_t> which) {
  std::vector<bool> deleted(mails_.size());
  for (size_t i : which) {
    if (i < mails_.size()) deleted[i] = true;
  }
  mark_expired(deleted);
  size_t first = 0;
  while (first < mails_.size() && !deleted[first] && !mark_[first]) ++first;
  if (first == mails_.size()) return 0;
  UMAYA_CHECK(rewrite(deleted, first));
  return static_cast<size_t>(std::count(deleted.begin(), deleted.end(), true));
}

Result<void> MboxBox::check_unchanged(int fd, uint64_t size) const {
  constexpr std::string_view kChanged = ": another program has changed the mailbox; nothing was removed";
  struct stat ours {
  }, theirs{};
  if (::fstat(fd, &theirs) != 0 || ::fstat(file_.get(), &ours) != 0) return sys_error(path_);
  if (ours.st_ino != theirs.st_ino || ours.st_dev != theirs.st_dev || size < size_) {
    return temporary(path_ + std::string(kChanged));
  }
  uint32_t checksum = 0;
  for (uint64_t at = 0; at < size_;) {
    UMAYA_TRY(std::string part, read_part(fd, at, std::min<uint64_t>(size_, at + kBlock)));
    checksum = crc32c(part, checksum);
    at += part.size();
  }
  if (checksum != checksum_) return temporary(path_ + std::string(kChanged));
  return {};
}

/// The message as it stays: a header that changes as text, the rest as a part of the file.
Result<MboxPiece> MboxBox::piece_of(int fd, size_t i, const std::string& base) const {
  const MboxMail& mail = mails_[i];
  if (!mark_[i] && base.empty()) return MboxPiece{mail.begin, mail.next - mail.begin};
  MboxPiece piece{mail.body, mail.next - mail.body};
  UMAYA_TRY(piece.instead, read_part(fd, mail.begin, mail.body));
  piece.instead.insert(mail.head - mail.begin, base);
  std::string head = piece.instead.substr(mail.head - mail.begin);
  piece.text = piece.instead.substr(0, mail.head - mail.begin) + (mark_[i] ? seen_head(head) : head);
  return piece;
}

Result<std::vector<MboxPiece>> MboxBox::kept_pieces(int fd, const std::vector<bool>& deleted, size_t first,
                                                    uint64_t size) const {
  std::vector<MboxPiece> pieces;
  // The first message of the file holds the uid validity for all.
  std::string base = deleted[0] && !imap_base_.empty() ? "X-IMAPbase: " + imap_base_ + "\n" : "";
  for (size_t i = first; i < mails_.size(); ++i) {
    if (deleted[i]) continue;
    UMAYA_TRY(MboxPiece piece, piece_of(fd, i, base));
    pieces.push_back(std::move(piece));
    base.clear();
  }
  uint64_t fresh = size_;
  // New mail begins with what separates it from the message before.
  for (char c = '\n'; deleted.back() && fresh < size; ++fresh) {
    UMAYA_CHECK(fs::read_at(fd, {&c, 1}, fresh));
    if (c != '\n') break;
  }
  if (fresh < size) pieces.push_back({fresh, size - fresh});
  return pieces;
}

Result<void> MboxBox::rewrite(const std::vector<bool>& deleted, size_t first) {
  LockedMbox locked(directory_.get(), name_, rules_, Missing::fail);
  UMAYA_CHECK(locked.acquire());
  int fd = locked.fd();
  struct stat status {};
  if (::fstat(fd, &status) != 0) return sys_error(path_);
  uint64_t size = static_cast<uint64_t>(status.st_size);
  UMAYA_CHECK(check_unchanged(fd, size));
  UMAYA_TRY(std::vector<MboxPiece> pieces, kept_pieces(fd, deleted, first, size));
  return replace_tail(fd, mails_[first].begin, size, pieces);
}

}  // namespace umaya::mailbox
