// NAME    bounce service - private/bounce, private/defer, private/trace
//
// DESCRIPTION
//     Asked by the queue manager only. Every request is answered with Done once its effect is durable.
//     Append adds a record to <kind>/<queue_id>. Notify composes the notification from those records and those in the
//     request, posts it through cleanup, and removes the log (not for a delay warning). The descriptor of the queue
//     file comes along with Notify for the returned message. Forget removes a log without a notification.
#pragma once

#include "libcommon/services/delivery.h"

namespace umaya::services::bounce {

/// Which log; also the name of the socket in private/ and of the queue directory.
enum class Kind : uint8_t { bounce, defer, trace };
inline std::string_view name_of(Kind kind) {
  return kind == Kind::bounce ? "bounce" : kind == Kind::defer ? "defer" : "trace";
}

struct Record {
  Recipient recipient;
  delivery::RecipientResult result;
  static constexpr std::string_view kName = "bounce.record";
  static void visit(auto& self, auto&& v) {
    v("recipient", self.recipient);
    v("result", self.result);
  }
};

struct Append {
  Kind kind = Kind::bounce;
  std::string queue_id;
  std::vector<Record> records;
  static constexpr std::string_view kName = "bounce.append";
  static void visit(auto& self, auto&& v) {
    v("kind", self.kind);
    v("queue_id", self.queue_id);
    v("records", self.records);
  }
};

/// What the notification is about.
enum class Notice : uint8_t {
  failure,          ///< sender non-delivery notification (from the bounce log; from the defer log when expired)
  delay,            ///< sender delay notification (from the defer log)
  success,          ///< sender delivery status notification (from the trace log)
  verification,     ///< sendmail -bv report (from the trace log)
  delay_cleared,    ///< confirm_delay_cleared: arrived after a delay notification (from the trace log)
  delivery_report,  ///< sendmail -v report (from the trace log)
};

struct Notify {
  Notice notice = Notice::failure;
  Kind log = Kind::bounce;  ///< the log it is made from
  std::string queue_name;   ///< where the queue file lies
  Envelope envelope;
  uint64_t content_offset = 0;
  uint64_t content_size = 0;
  std::vector<Record> records;  ///< in addition to those in the log
  static constexpr std::string_view kName = "bounce.notify";
  static void visit(auto& self, auto&& v) {
    v("notice", self.notice);
    v("log", self.log);
    v("queue_name", self.queue_name);
    v("envelope", self.envelope);
    v("content_offset", self.content_offset);
    v("content_size", self.content_size);
    v("records", self.records);
  }
};

struct Forget {
  Kind kind = Kind::defer;
  std::string queue_id;
  static constexpr std::string_view kName = "bounce.forget";
  static void visit(auto& self, auto&& v) {
    v("kind", self.kind);
    v("queue_id", self.queue_id);
  }
};

struct Done {
  bool ok = false;  ///< false: nothing was done, keep the recipient and try again later
  std::string text;
  static constexpr std::string_view kName = "bounce.done";
  static void visit(auto& self, auto&& v) {
    v("ok", self.ok);
    v("text", self.text);
  }
};

}  // namespace umaya::services::bounce
