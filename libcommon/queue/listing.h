// NAME    listing - what lies in the queue: sender, recipients, and why they wait
//
// SYNOPSIS
//     queue::QueueListing listing(spool);
//     while (auto message = listing.next()) print(*message);
//
// DESCRIPTION
//     Walks maildrop, active, incoming, deferred, hold, in that order, each in the order of its directory, one message
//     at a time. Messages that are not complete are left out, as are files that cannot be read. Reasons come from the
//     defer and bounce logs of the message.
//
// LIMITS
//     One message in memory.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "libcommon/queue/directories.h"
#include "libcommon/queue/envelope.h"

namespace umaya::queue {

struct ListedRecipient {
  std::string address;
  std::string original;
  std::string reason;    ///< of the last try; empty: none is known
  bool bounced = false;  ///< the reason is a failure for good, whose notice is not sent yet
};

struct ListedMessage {
  QueueName queue = QueueName::active;
  std::string id;
  std::string sender;
  int64_t arrival_seconds = 0;
  uint64_t size = 0;
  bool forced_expire = false;
  std::vector<ListedRecipient> recipients;  ///< those that are not done
};

class QueueListing {
 public:
  /// Borrows the directories.
  explicit QueueListing(const QueueDirectories& spool) : spool_(spool) {}
  std::optional<ListedMessage> next();

 private:
  const QueueDirectories& spool_;
  size_t place_ = 0;
  std::optional<QueueScan> scan_;
};

/// One message by its place.
std::optional<ListedMessage> list_message(const QueueDirectories& spool, QueueName where, const std::string& path,
                                          const std::string& id);

}  // namespace umaya::queue
