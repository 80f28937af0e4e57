// NAME    qmgr service - public/qmgr, what others tell the queue manager
//
// DESCRIPTION
//     NewMessage and one-byte triggers (Postfix's I: scan incoming, D: scan deferred, F: flush all, W: wake-up) are not
//     answered. LateResults and Command are answered with Done.
#pragma once

#include "libcommon/services/delivery.h"

namespace umaya::services::qmgr {

inline constexpr std::string_view kSocket = "public/qmgr";

/// Messages that are complete and durable in incoming/.
struct NewMessage {
  std::vector<std::string> queue_ids;
  static constexpr std::string_view kName = "qmgr.new_message";
  static void visit(auto& self, auto&& v) { v("queue_ids", self.queue_ids); }
};

/// From an agent whose queue manager went away during a delivery: what became of it.
struct LateResults {
  std::string queue_id;
  std::vector<delivery::RecipientResult> results;
  static constexpr std::string_view kName = "qmgr.late_results";
  static void visit(auto& self, auto&& v) {
    v("queue_id", self.queue_id);
    v("results", self.results);
  }
};

enum class Verb : uint8_t {
  scan_incoming,
  scan_deferred,
  flush_all,      ///< postqueue -f
  flush_message,  ///< postqueue -i: argument is the queue id
  flush_site,     ///< postqueue -s, ETRN: argument is the domain
};

struct Command {
  Verb verb = Verb::scan_incoming;
  std::string argument;
  static constexpr std::string_view kName = "qmgr.command";
  static void visit(auto& self, auto&& v) {
    v("verb", self.verb);
    v("argument", self.argument);
  }
};

struct Done {
  bool ok = false;
  std::string text;
  static constexpr std::string_view kName = "qmgr.done";
  static void visit(auto& self, auto&& v) {
    v("ok", self.ok);
    v("text", self.text);
  }
};

}  // namespace umaya::services::qmgr
