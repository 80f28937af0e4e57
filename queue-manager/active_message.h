// NAME    active_message - one message in the active queue, as the queue manager knows it
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "libcommon/base/fd.h"
#include "libcommon/queue/message_file.h"
#include "libcommon/services/envelope.h"
#include "queue-manager/scheduler.h"

namespace umaya::qmgr {

/// A recipient that is in memory: it waits in the scheduler, is being delivered, or its result is being recorded.
struct ActiveRecipient {
  services::Recipient recipient;
  uint64_t offset = 0;  ///< of the state byte in the queue file
  std::string nexthop;
};

struct ActiveMessage {
  MessageKey key = 0;
  std::string id;
  services::Envelope envelope;
  uint32_t flags = 0;           ///< queue::flag bits
  std::string verp_delimiters;  ///< each recipient has a sender address of its own; empty: one for all
  std::string content_filter;
  std::string redirect;
  uint64_t content_offset = 0;
  uint64_t content_size = 0;
  int64_t active_usec = 0;

  Fd file;      ///< holds the lock; closed while a message of a long queue waits
  Fd writable;  ///< for state bytes, opened when the first is written
  queue::RecipientCursor cursor;
  uint32_t recipient_count = 0;
  uint32_t unread = 0;                                       ///< recipients behind the cursor
  std::unordered_map<uint32_t, ActiveRecipient> recipients;  ///< by their index in the file

  unsigned work = 0;  ///< tasks that will come back to this message
  uint32_t deferred = 0;
  uint32_t bounced = 0;
  uint32_t traced = 0;
  std::string defer_text;   ///< why, for the last one
  mode_t mode = 0;          ///< permission bits, which may ask for something (queue::mode)
  bool gone = false;        ///< the file was taken away (postsuper)
  bool redirected = false;  ///< a recipient stands for all of them
  bool delay_notice_sent = false;
  bool force_expire = false;
  bool ignore_dead = false;
  bool sync_wanted = false;  ///< state bytes were written

  bool verify_only() const { return (flags & queue::flag::kVerifyOnly) != 0; }
  bool report_all() const { return (flags & (queue::flag::kVerifyOnly | queue::flag::kRecordDelivery)) != 0; }
};

}  // namespace umaya::qmgr
