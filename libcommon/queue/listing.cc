#include "libcommon/queue/listing.h"

#include <sys/stat.h>

#include <array>
#include <unordered_map>

#include "libcommon/fs/file.h"
#include "libcommon/queue/bounce_log.h"
#include "libcommon/queue/message_file.h"

namespace umaya::queue {
namespace {

constexpr std::array kOrder = {QueueName::maildrop, QueueName::active, QueueName::incoming, QueueName::deferred,
                               QueueName::hold};
constexpr size_t kLogLimit = 64 << 20;

struct Reason {
  std::string text;
  bool bounced;
};
using Reasons = std::unordered_map<uint64_t, Reason>;

/// Keyed by the offset in the queue file, and by the address for records without one.
void read_reasons(const std::string& path, bool bounced, Reasons& by_offset,
                  std::unordered_map<std::string, Reason>& by_address) {
  auto text = fs::read_file(path, kLogLimit);
  if (!text) return;
  BounceLogReader log(*text);
  while (auto record = log.next()) {
    Reason reason{record->reason, bounced};
    if (record->offset > 0) by_offset[record->offset] = reason;
    by_address[record->recipient.address] = std::move(reason);
  }
}

}  // namespace

std::optional<ListedMessage> list_message(const QueueDirectories& spool, QueueName where, const std::string& path,
                                          const std::string& id) {
  struct stat status;
  auto fd = fs::open_safe(path, O_RDONLY, status);
  if (!fd || (status.st_mode & mode::kReadyBit) == 0) return std::nullopt;
  auto reader = MessageReader::open(fd->get());
  if (!reader) return std::nullopt;
  ListedMessage message;
  message.queue = where;
  message.id = id;
  message.sender = reader->envelope().sender;
  message.arrival_seconds = reader->envelope().arrival_usec / 1'000'000;
  message.size = reader->info().content_size;
  message.forced_expire = where != QueueName::maildrop && (status.st_mode & mode::kForceExpire) != 0;
  Reasons by_offset;
  std::unordered_map<std::string, Reason> by_address;
  read_reasons(spool.path(QueueName::defer, id), false, by_offset, by_address);
  read_reasons(spool.path(QueueName::bounce, id), true, by_offset, by_address);
  RecipientCursor cursor;
  for (auto some = reader->read_recipients(cursor, 1000); some && !some->empty();
       some = reader->read_recipients(cursor, 1000)) {
    for (const StoredRecipient& stored : *some) {
      bool is_bounced = stored.state == RecipientState::bounced;
      if (stored.state != RecipientState::pending && !is_bounced) continue;
      if ((stored.notify & notify::kExpanded) != 0) continue;  // gets no mail
      ListedRecipient recipient{stored.address, stored.original, {}, false};
      auto offset = by_offset.find(stored.offset);
      auto address = by_address.find(stored.address);
      if (offset != by_offset.end()) {
        recipient.reason = offset->second.text;
        recipient.bounced = offset->second.bounced;
      } else if (address != by_address.end()) {
        recipient.reason = address->second.text;
        recipient.bounced = address->second.bounced;
      }
      if (is_bounced && !recipient.bounced) continue;  // its sender was told
      message.recipients.push_back(std::move(recipient));
    }
  }
  return message;
}

std::optional<ListedMessage> QueueListing::next() {
  while (place_ < kOrder.size()) {
    if (!scan_) {
      auto opened = spool_.scan(kOrder[place_]);
      if (!opened) {
        ++place_;
        continue;
      }
      scan_ = std::move(*opened);
    }
    auto found = scan_->next();
    if (!found) {
      scan_.reset();
      ++place_;
      continue;
    }
    if (auto message = list_message(spool_, kOrder[place_], found->path, found->id)) return message;
  }
  return std::nullopt;
}

}  // namespace umaya::queue
