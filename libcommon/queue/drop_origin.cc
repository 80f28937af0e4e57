#include "libcommon/queue/drop_origin.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <cerrno>

#include "libcommon/base/strings.h"
#include "libcommon/fs/file.h"
#include "libcommon/fs/lock.h"
#include "libcommon/queue/message_file.h"
#include "libcommon/queue/queue_id.h"

namespace umaya::queue {
namespace {

/// What an open file of that id says of the posting.
Result<Posting> judge(const QueueDirectories& spool, QueueName queue, std::string_view id, const Fd& file, mode_t mode,
                      const DropOrigin& origin) {
  const bool is_marked = (mode & mode::kReadyBit) != 0;
  if (!is_marked) {
    UMAYA_TRY(fs::LockState lock, fs::try_lock(file.get(), fs::LockKind::flock));
    if (lock == fs::LockState::busy) return Posting::under_way;
  }
  auto message = MessageReader::open(file.get());
  if (!message && !message.error().is_permanent()) return std::unexpected(message.error());
  if (!message || DropOrigin::of(message->envelope()) != origin) return Posting::other_file;
  if (!is_marked) {
    UMAYA_CHECK(fs::sync(file.get()));
    UMAYA_CHECK(spool.sync_name(queue, id));
  }
  return Posting::done;
}

}  // namespace

std::string DropOrigin::text() const {
  return fmt::format("{}:{}", name, inode);
}

std::optional<DropOrigin> DropOrigin::parse(std::string_view text) {
  const size_t colon = text.find(':');
  if (colon == std::string_view::npos || !valid_id(text.substr(0, colon))) return std::nullopt;
  auto inode = parse_uint(text.substr(colon + 1));
  if (!inode) return std::nullopt;
  return DropOrigin{std::string(text.substr(0, colon)), static_cast<ino_t>(*inode)};
}

std::optional<DropOrigin> DropOrigin::of(const Envelope& envelope) {
  auto found = envelope.extra.find(kDropOrigin);
  return found == envelope.extra.end() ? std::nullopt : parse(found->second);
}

Result<Posting> posting_of(const QueueDirectories& spool, std::string_view id, const DropOrigin& origin) {
  for (QueueName queue : {QueueName::incoming, QueueName::active, QueueName::deferred, QueueName::hold}) {
    struct stat status;
    auto file = fs::open_safe(spool.path(queue, id), O_RDONLY, status);
    if (file) return judge(spool, queue, id, *file, status.st_mode, origin);
    if (file.error().is_permanent()) return Posting::other_file;  // nothing that we wrote
    if (file.error().sys_errno != ENOENT) return std::unexpected(file.error());
  }
  return Posting::not_begun;
}

Result<> remove_drop_file(const QueueDirectories& spool, const DropOrigin& origin) {
  const std::string path = spool.path(QueueName::maildrop, origin.name);
  struct stat status;
  if (::lstat(path.c_str(), &status) != 0 || status.st_ino != origin.inode) return {};
  auto removed = fs::remove(path);
  if (!removed && removed.error().sys_errno == ENOENT) return {};
  return removed;
}

}  // namespace umaya::queue
