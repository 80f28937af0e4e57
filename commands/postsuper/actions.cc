#include "commands/postsuper/actions.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include "libcommon/base/clock.h"
#include "libcommon/fs/directory.h"
#include "libcommon/fs/file.h"
#include "libcommon/queue/message_file.h"
#include "libcommon/queue/queue_id.h"

namespace umaya::postsuper {

using queue::QueueName;

namespace {

constexpr int64_t kStale = 7 * 86400;

struct Words {
  std::string_view each;     ///< in the log, behind the id
  std::string_view counted;  ///< in the summary
};
constexpr std::array<Words, kVerbs> kWords = {Words{"removed", "Deleted"},
                                              Words{"expired", "Force-expired"},
                                              Words{"expired", "Force-expired"},
                                              Words{"placed on hold", "Placed on hold"},
                                              Words{"released from hold", "Released from hold"},
                                              Words{"requeued", "Requeued"}};

Result<> set_expire_bit(const std::string& path) {
  struct stat status;
  UMAYA_TRY(Fd fd, fs::open_safe(path, O_RDONLY, status));
  return fs::set_mode(fd.get(), (status.st_mode & 07777) | queue::mode::kForceExpire);
}

bool is_whole(const std::string& path) {
  auto fd = fs::open_safe(path);
  return fd && queue::MessageReader::open(fd->get());
}

/// Due now, so that the next queue run takes it.
Result<> make_due(const std::string& path) {
  UMAYA_TRY(Fd fd, fs::open_safe(path));
  return fs::set_modified(fd.get(), wall_seconds());
}

}  // namespace

std::vector<QueueName> default_queues(Verb verb) {
  if (verb == Verb::release) return {QueueName::hold};
  if (verb == Verb::hold) return {QueueName::incoming, QueueName::active, QueueName::deferred};
  if (verb == Verb::expire_and_release) {  // hold last: what comes off hold is not met again
    return {QueueName::incoming, QueueName::active, QueueName::deferred, QueueName::hold};
  }
  return {QueueName::hold, QueueName::incoming, QueueName::active, QueueName::deferred};
}

Surgeon::Surgeon(const queue::QueueDirectories& spool, std::vector<QueueName> queues, Say say, Say warn)
    : spool_(spool), queues_(std::move(queues)), say_(std::move(say)), warn_(std::move(warn)) {}

void Surgeon::run(const Order& order) {
  for (QueueName where : queues_.empty() ? default_queues(order.verb) : queues_) {
    if (order.id != "ALL") {
      act(order.verb, where, spool_.path(where, order.id), order.id);
      continue;
    }
    auto scan = spool_.scan(where);
    if (!scan) {
      warn_(scan.error().what);
      continue;
    }
    std::vector<queue::QueueScan::Found> all;  // first, because moving changes what a scan sees
    while (auto found = scan->next()) all.push_back(std::move(*found));
    for (const auto& found : all) act(order.verb, where, found.path, found.id);
  }
}

void Surgeon::act(Verb verb, QueueName where, const std::string& path, const std::string& id) {
  struct stat status;
  if (::lstat(path.c_str(), &status) < 0) return;
  Result<> done = apply(verb, where, path, id);
  if (done) {
    say_(fmt::format("{}: {}", id, kWords[static_cast<size_t>(verb)].each));
    ++done_[static_cast<size_t>(verb)];
  } else if (done.error().sys_errno != ENOENT) {
    warn_(done.error().what);
  }
}

Result<> Surgeon::apply(Verb verb, QueueName where, const std::string& path, const std::string& id) {
  switch (verb) {
    case Verb::remove:
      UMAYA_CHECK(fs::remove(path));
      remove_logs(id);
      return {};
    case Verb::expire:
      return set_expire_bit(path);
    case Verb::expire_and_release:
      UMAYA_CHECK(set_expire_bit(path));
      return where == QueueName::hold ? spool_.move_from(path, id, QueueName::deferred) : Result<>{};
    case Verb::hold:
      return where == QueueName::hold ? Result<>{} : spool_.move_from(path, id, QueueName::hold);
    case Verb::release:
      UMAYA_CHECK(make_due(path));
      return spool_.move_from(path, id, QueueName::deferred);
    case Verb::requeue:
      UMAYA_CHECK(spool_.move_from(path, id, QueueName::maildrop));
      remove_logs(id);
      return {};
  }
  return {};
}

void Surgeon::remove_logs(const std::string& id) {
  for (QueueName log : {QueueName::bounce, QueueName::defer, QueueName::trace}) {
    if (auto removed = spool_.remove(log, id); !removed) warn_(removed.error().what);
  }
}

void Surgeon::purge() {
  for (QueueName where : {QueueName::maildrop, QueueName::incoming}) {
    auto reader = fs::DirectoryReader::open(spool_.directory(where));
    if (!reader) continue;
    while (auto entry = reader->next()) {
      struct stat status;
      std::string path = spool_.directory(where) + "/" + std::string(entry->name);
      if (::lstat(path.c_str(), &status) < 0 || !S_ISREG(status.st_mode)) continue;
      if ((status.st_mode & queue::mode::kReadyBit) != 0 || wall_seconds() - status.st_mtime < kStale) continue;
      if (is_whole(path)) continue;  // accepted just before a crash: the queue manager, or pickup, takes it
      if (auto removed = fs::remove(path); !removed) warn_(removed.error().what);
    }
  }
}

void Surgeon::mend() {
  for (size_t i = 0; i < queue::kQueueNames; ++i) {
    auto where = static_cast<QueueName>(i);
    if (where == QueueName::flush) continue;
    auto scan = spool_.scan(where);
    if (!scan) continue;
    std::vector<queue::QueueScan::Found> wrong;
    while (auto found = scan->next()) {
      if (found->path != spool_.path(where, found->id)) wrong.push_back(std::move(*found));
    }
    for (const auto& found : wrong) {
      if (auto moved = spool_.move_from(found.path, found.id, where); !moved) warn_(moved.error().what);
    }
  }
}

std::vector<std::string> Surgeon::summary() const {
  std::vector<std::string> lines;
  auto add = [&lines](std::string_view what, size_t count) {
    if (count > 0) lines.push_back(fmt::format("{}: {} message{}", what, count, count == 1 ? "" : "s"));
  };
  auto count = [this](Verb verb) { return done_[static_cast<size_t>(verb)]; };
  add("Deleted", count(Verb::remove));
  add("Force-expired", count(Verb::expire) + count(Verb::expire_and_release));
  add("Placed on hold", count(Verb::hold));
  add("Released from hold", count(Verb::release));
  add("Requeued", count(Verb::requeue));
  return lines;
}

}  // namespace umaya::postsuper
