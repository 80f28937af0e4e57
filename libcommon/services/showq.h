// NAME    showq service - public/showq, the queue listing
//
// SYNOPSIS
//     public/showq:  List  →  Entry …  End
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace umaya::services::showq {

inline constexpr std::string_view kSocket = "public/showq";

struct List {
  bool reasons = true;  ///< with delay reasons
  static constexpr std::string_view kName = "showq.list";
  static void visit(auto& self, auto&& v) { v("reasons", self.reasons); }
};

struct EntryRecipient {
  std::string address;
  std::string original;
  std::string reason;  ///< delay reason, empty: none
  bool bounced = false;
  static constexpr std::string_view kName = "showq.recipient";
  static void visit(auto& self, auto&& v) {
    v("address", self.address);
    v("original", self.original);
    v("reason", self.reason);
    v("bounced", self.bounced);
  }
};

/// One queue file; a message with many recipients comes as several entries, more set on all but the last.
struct Entry {
  std::string queue_name;
  std::string queue_id;
  int64_t arrival_seconds = 0;
  uint64_t size = 0;
  bool forced_expire = false;
  std::string sender;
  std::vector<EntryRecipient> recipients;
  bool more = false;
  static constexpr std::string_view kName = "showq.entry";
  static void visit(auto& self, auto&& v) {
    v("queue_name", self.queue_name);
    v("queue_id", self.queue_id);
    v("arrival_seconds", self.arrival_seconds);
    v("size", self.size);
    v("forced_expire", self.forced_expire);
    v("sender", self.sender);
    v("recipients", self.recipients);
    v("more", self.more);
  }
};

struct End {
  uint64_t messages = 0;
  static constexpr std::string_view kName = "showq.end";
  static void visit(auto& self, auto&& v) { v("messages", self.messages); }
};

}  // namespace umaya::services::showq
