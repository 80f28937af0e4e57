// NAME    delivery service - private/<transport>, what the queue manager asks of a delivery agent
//
// SYNOPSIS
//     private/smtp:  Request (+ descriptor of the queue file, read only)  →  Reply
//
// DESCRIPTION
//     One delivery at a time on a connection; the connection is a slot and is reused, preferably for the same nexthop.
//     The descriptor shares the queue manager's lock on the file: the agent keeps it open until its Reply is sent. When
//     the queue manager has gone, the agent finishes, sends qmgr::LateResults to public/qmgr, and then closes the file.
//     The agent logs the delivery status line of each recipient.
#pragma once

#include "libcommon/services/envelope.h"

namespace umaya::services::delivery {

/// private/NAME for a transport.
inline std::string socket_of(std::string_view transport) {
  return "private/" + std::string(transport);
}

enum Flag : uint32_t {
  kVerifyOnly = 1,      ///< say what would happen, deliver nothing (sendmail -bv)
  kReportDelivery = 2,  ///< sendmail -v
  kIgnoreDead = 4,      ///< flush: ignore remembered dead destinations
  kNotLogged = 8,       ///< with kVerifyOnly: a question of another service, which says itself what came of it
};

struct Target {
  uint32_t id = 0;  ///< names this recipient in the Reply; meaningless to the agent
  Recipient recipient;
  static constexpr std::string_view kName = "delivery.target";
  static void visit(auto& self, auto&& v) {
    v("id", self.id);
    v("recipient", self.recipient);
  }
};

struct Request {
  std::string queue_name;  ///< "active", or where the file lies
  std::string transport;   ///< master.cf service name
  std::string nexthop;
  Envelope envelope;
  uint64_t content_offset = 0;
  uint64_t content_size = 0;  ///< CRLF octets
  bool content_8bit = false;  ///< the content holds bytes above 127
  uint32_t flags = 0;
  int64_t active_usec = 0;  ///< wall clock when the message entered the active queue
  int64_t handed_usec = 0;  ///< wall clock when this request was sent
  std::vector<Target> targets;
  static constexpr std::string_view kName = "delivery.request";
  static void visit(auto& self, auto&& v) {
    v("queue_name", self.queue_name);
    v("transport", self.transport);
    v("nexthop", self.nexthop);
    v("envelope", self.envelope);
    v("content_offset", self.content_offset);
    v("content_size", self.content_size);
    v("content_8bit", self.content_8bit);
    v("flags", self.flags);
    v("active_usec", self.active_usec);
    v("handed_usec", self.handed_usec);
    v("targets", self.targets);
  }
};

enum class Status : uint8_t { deferred, sent, bounced };

/// What an RFC 3464 report says was done with a recipient that was sent.
enum class Action : uint8_t {
  delivered,
  relayed,  ///< to a server that sends no reports of its own
  expanded,
  passed_on,  ///< to a server that has taken over the duty to report (RFC 3461 5.2.2): no notice of success from us
};

struct RecipientResult {
  uint32_t id = 0;
  Status status = Status::deferred;
  Action action = Action::delivered;
  std::string dsn;              ///< "2.0.0", "4.4.1", "5.1.1"
  std::string text;             ///< what stands in parentheses in the log line
  std::string diagnostic_type;  ///< "smtp", "x-unix" …; empty: none
  std::string diagnostic;       ///< the remote reply or the like
  std::string remote_mta_type;  ///< "dns"
  std::string remote_mta;       ///< host name
  static constexpr std::string_view kName = "delivery.recipient_result";
  static void visit(auto& self, auto&& v) {
    v("id", self.id);
    v("status", self.status);
    v("action", self.action);
    v("dsn", self.dsn);
    v("text", self.text);
    v("diagnostic_type", self.diagnostic_type);
    v("diagnostic", self.diagnostic);
    v("remote_mta_type", self.remote_mta_type);
    v("remote_mta", self.remote_mta);
  }
};

struct Reply {
  std::vector<RecipientResult> results;  ///< a target that is missing counts as deferred, unless pass_to is set
  std::string pass_to;                   ///< transport[:nexthop] for targets without a result (best_mx_transport)
  bool destination_failed = false;       ///< no session could be had: concurrency feedback, dead destination
  std::string destination_dsn;
  std::string destination_text;
  static constexpr std::string_view kName = "delivery.reply";
  static void visit(auto& self, auto&& v) {
    v("results", self.results);
    v("pass_to", self.pass_to);
    v("destination_failed", self.destination_failed);
    v("destination_dsn", self.destination_dsn);
    v("destination_text", self.destination_text);
  }
};

}  // namespace umaya::services::delivery
