// NAME    recursion_messages - what query processes, the zone process and the recursion process tell one another
//
// DESCRIPTION
//     A question names the configuration that its view is meant in by config_mark (feed/receiver.h): views have other
//     numbers after a reload, and what is known in one must not be told in another.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace umaya::named {

/// From a query process.
struct RecursionRequest {
  uint32_t ticket = 0;
  uint64_t config_mark = 0;
  uint16_t view = 0;
  uint16_t type = 0;
  std::string name;  ///< wire form
  bool dnssec_ok = false;
  bool checking_disabled = false;
  bool refresh = false;  ///< a cached answer is about to end: there is nobody who waits
  std::string client;    ///< 4 or 16 octets
  static constexpr std::string_view kName = "named.recursion.request";
  static void visit(auto& self, auto&& v) {
    v("ticket", self.ticket);
    v("config_mark", self.config_mark);
    v("view", self.view);
    v("type", self.type);
    v("name", self.name);
    v("dnssec_ok", self.dnssec_ok);
    v("checking_disabled", self.checking_disabled);
    v("refresh", self.refresh);
    v("client", self.client);
  }
};

/// To a query process.
struct RecursionReply {
  uint32_t ticket = 0;
  uint16_t rcode = 0;
  bool authentic = false;
  uint16_t extended_error = 0xFFFF;  ///< RFC 8914; 0xFFFF: none
  uint16_t answers = 0;
  uint16_t authorities = 0;
  uint16_t additionals = 0;
  std::string body;  ///< as in RecursiveAnswer
  bool dropped = false;
  static constexpr std::string_view kName = "named.recursion.reply";
  static void visit(auto& self, auto&& v) {
    v("ticket", self.ticket);
    v("rcode", self.rcode);
    v("authentic", self.authentic);
    v("extended_error", self.extended_error);
    v("answers", self.answers);
    v("authorities", self.authorities);
    v("additionals", self.additionals);
    v("body", self.body);
    v("dropped", self.dropped);
  }
};

/// To a query process, with two descriptors: the answer cache and its marks (recursion/answer_cache.h).
struct CacheHandles {
  uint64_t config_mark = 0;
  static constexpr std::string_view kName = "named.recursion.cache";
  static void visit(auto& self, auto&& v) { v("config_mark", self.config_mark); }
};

/// From the zone process, before each configuration: the keys of server clauses, which its text does not hold.
struct RecursionKeys {
  struct Key {
    std::string name;  ///< wire form, lower case
    uint8_t algorithm = 0;
    uint16_t mac_size = 0;
    std::string secret;
    static constexpr std::string_view kName = "named.recursion.key";
    static void visit(auto& self, auto&& v) {
      v("name", self.name);
      v("algorithm", self.algorithm);
      v("mac_size", self.mac_size);
      v("secret", self.secret);
    }
  };
  std::vector<Key> keys;
  static constexpr std::string_view kName = "named.recursion.keys";
  static void visit(auto& self, auto&& v) { v("keys", self.keys); }
};

/// From the zone process: what ndc asks of the caches. With one descriptor to write to when it is a dump.
struct CacheCommand {
  enum class What : uint8_t { flush, flush_name, flush_tree, dump };
  uint32_t number = 0;
  What what = What::flush;
  std::string name;  ///< wire form, lower case
  static constexpr std::string_view kName = "named.recursion.command";
  static void visit(auto& self, auto&& v) {
    v("number", self.number);
    v("what", self.what);
    v("name", self.name);
  }
};

struct CacheCommandDone {
  uint32_t number = 0;
  uint64_t count = 0;  ///< of what was forgotten or written
  static constexpr std::string_view kName = "named.recursion.command_done";
  static void visit(auto& self, auto&& v) {
    v("number", self.number);
    v("count", self.count);
  }
};

}  // namespace umaya::named
