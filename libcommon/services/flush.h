// NAME    flush service - public/flush, deferred mail by destination (ETRN, postqueue -s, postqueue -i)
//
// DESCRIPTION
//     Every request is answered with Done.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace umaya::services::flush {

inline constexpr std::string_view kSocket = "public/flush";

enum class Verb : uint8_t { add, send_site, send_message, refresh, purge };

struct Request {
  Verb verb = Verb::add;
  std::string site;      ///< add, send_site
  std::string queue_id;  ///< add, send_message
  static constexpr std::string_view kName = "flush.request";
  static void visit(auto& self, auto&& v) {
    v("verb", self.verb);
    v("site", self.site);
    v("queue_id", self.queue_id);
  }
};

enum class Status : uint8_t { ok, failed, bad_request, denied };

struct Done {
  Status status = Status::failed;
  static constexpr std::string_view kName = "flush.done";
  static void visit(auto& self, auto&& v) { v("status", self.status); }
};

}  // namespace umaya::services::flush
