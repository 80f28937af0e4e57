// NAME    actions - what the administrator does to messages in the queue
//
// SYNOPSIS
//     Surgeon surgeon(spool, say);
//     surgeon.run({Verb::hold, "ALL", {}});
//     surgeon.summary();
//
// DESCRIPTION
//     Works on the files, whether the mail system runs or not: a rename or removal is one step, and the queue manager
//     takes it as it finds it. Ids that are nowhere are passed over silently, as scripts expect.
//
// ERRORS
//     What cannot be done to one message is said, and the others go on.
#pragma once

#include <array>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "libcommon/queue/directories.h"

namespace umaya::postsuper {

enum class Verb : unsigned char { remove, expire, expire_and_release, hold, release, requeue };
inline constexpr size_t kVerbs = 6;

/// One -d, -e, -f, -h, -H or -r.
struct Order {
  Verb verb;
  std::string id;  ///< or "ALL"
};

/// Where the verb looks unless queues are named.
std::vector<queue::QueueName> default_queues(Verb verb);

class Surgeon {
 public:
  using Say = std::function<void(std::string_view)>;
  /// queues: those named on the command line; empty: the defaults of each verb. warn: what went wrong.
  Surgeon(const queue::QueueDirectories& spool, std::vector<queue::QueueName> queues, Say say, Say warn);

  /// Carries out one order.
  void run(const Order& order);
  /// Removes files that were never completed and are older than seven days.
  void purge();
  /// Moves files to the hash directories where they belong.
  void mend();
  /// "Deleted: 3 messages" and the like, for what was done.
  std::vector<std::string> summary() const;

 private:
  void act(Verb verb, queue::QueueName where, const std::string& path, const std::string& id);
  Result<> apply(Verb verb, queue::QueueName where, const std::string& path, const std::string& id);
  void remove_logs(const std::string& id);

  const queue::QueueDirectories& spool_;
  std::vector<queue::QueueName> queues_;
  Say say_, warn_;
  std::array<size_t, kVerbs> done_{};
};

}  // namespace umaya::postsuper
