#include "libcommon/queue/directories.h"

#include <sys/stat.h>

#include <algorithm>

#include "libcommon/base/strings.h"
#include "libcommon/fs/file.h"
#include "libcommon/queue/queue_id.h"

namespace umaya::queue {
namespace {

constexpr std::array<std::string_view, kQueueNames> kNames = {
    "maildrop", "incoming", "active", "deferred", "hold", "corrupt", "bounce", "defer", "trace", "flush", "saved"};
constexpr unsigned kMaxDepth = 16;

}  // namespace

std::string_view to_string(QueueName name) {
  return kNames[static_cast<size_t>(name)];
}

std::optional<QueueName> queue_named(std::string_view name) {
  auto found = std::find(kNames.begin(), kNames.end(), name);
  if (found == kNames.end()) return std::nullopt;
  return static_cast<QueueName>(found - kNames.begin());
}

QueueDirectories::QueueDirectories(std::string root, const Hashing& hashing)
    : root_(std::move(root)), depth_(std::min(hashing.depth, kMaxDepth)) {
  if (root_ == ".") root_.clear();
  if (!root_.empty() && root_.back() != '/') root_ += '/';
  for (size_t i = 0; i < kQueueNames; ++i) {
    hashed_[i] = std::any_of(hashing.names.begin(), hashing.names.end(),
                             [i](const std::string& name) { return iequals(name, kNames[i]); });
  }
}

std::string QueueDirectories::directory(QueueName queue) const {
  return root_ + std::string(to_string(queue));
}

std::string QueueDirectories::path(QueueName queue, std::string_view id) const {
  std::string path = directory(queue);
  path += '/';
  if (hashed_[static_cast<size_t>(queue)]) {
    for (char c : hash_characters(id, depth_)) {
      path += c;
      path += '/';
    }
  }
  path += id;
  return path;
}

Result<Fd> QueueDirectories::create(QueueName queue, std::string_view id) const {
  auto fd = fs::create_exclusive(path(queue, id), mode::kWriting);
  if (fd || fd.error().sys_errno != ENOENT) return fd;
  UMAYA_CHECK(make_hash_directories(queue, id));
  return fs::create_exclusive(path(queue, id), mode::kWriting);
}

Result<> QueueDirectories::move(std::string_view id, QueueName from, QueueName to) const {
  return move_from(path(from, id), id, to);
}

Result<> QueueDirectories::move_from(const std::string& from, std::string_view id, QueueName to) const {
  std::string target = path(to, id);
  auto moved = fs::rename(from, target);
  if (moved || moved.error().sys_errno != ENOENT || !hashed_[static_cast<size_t>(to)]) return moved;
  UMAYA_CHECK(make_hash_directories(to, id));
  return fs::rename(from, target);
}

Result<> QueueDirectories::remove(QueueName queue, std::string_view id) const {
  auto removed = fs::remove(path(queue, id));
  if (!removed && removed.error().sys_errno == ENOENT) return {};
  return removed;
}

Result<> QueueDirectories::sync_name(QueueName queue, std::string_view id) const {
  return fs::sync_directory(fs::parent_directory(path(queue, id)));
}

std::optional<QueueName> QueueDirectories::find(std::string_view id) const {
  if (!valid_id(id)) return std::nullopt;
  for (QueueName queue : {QueueName::incoming, QueueName::active, QueueName::deferred, QueueName::hold,
                          QueueName::maildrop, QueueName::corrupt, QueueName::saved}) {
    struct stat status;
    if (::lstat(path(queue, id).c_str(), &status) == 0) return queue;
  }
  return std::nullopt;
}

Result<> QueueDirectories::make_all() const {
  for (size_t i = 0; i < kQueueNames; ++i) {
    UMAYA_CHECK(fs::make_directory(directory(static_cast<QueueName>(i)), 0700));
  }
  return {};
}

Result<> QueueDirectories::make_hash_directories(QueueName queue, std::string_view id) const {
  std::string directory_path = directory(queue);
  for (char c : hash_characters(id, depth_)) {
    directory_path += '/';
    directory_path += c;
    UMAYA_CHECK(fs::make_directory(directory_path, 0700));
  }
  return {};
}

Result<QueueScan> QueueDirectories::scan(QueueName queue) const {
  QueueScan scan;
  UMAYA_TRY(fs::DirectoryReader reader, fs::DirectoryReader::open(directory(queue)));
  scan.levels_.push_back({directory(queue), std::move(reader)});
  return scan;
}

std::optional<QueueScan::Found> QueueScan::next() {
  while (!levels_.empty()) {
    Level& level = levels_.back();
    auto entry = level.reader.next();
    if (!entry) {
      levels_.pop_back();
      continue;
    }
    std::string path = level.path + "/" + std::string(entry->name);
    if (entry->name.size() == 1 && levels_.size() <= kMaxDepth) {
      if (auto reader = fs::DirectoryReader::open(path)) levels_.push_back({path, std::move(*reader)});
      continue;
    }
    if (entry->kind == fs::EntryKind::directory || !valid_id(entry->name)) continue;
    return Found{std::string(entry->name), std::move(path)};
  }
  return std::nullopt;
}

}  // namespace umaya::queue
