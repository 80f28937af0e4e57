// NAME    proxymap service - private/proxymap, look-ups in tables that the asking process may not open
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace umaya::services::proxymap {

inline constexpr std::string_view kSocket = "private/proxymap";

struct Query {
  std::string table;  ///< "type:name", must stand in proxy_read_maps
  std::string key;
  static constexpr std::string_view kName = "proxymap.query";
  static void visit(auto& self, auto&& v) {
    v("table", self.table);
    v("key", self.key);
  }
};

enum class Found : uint8_t { yes, no, failed, refused };

struct Answer {
  Found found = Found::failed;
  std::string value;  ///< the value, or why it failed
  static constexpr std::string_view kName = "proxymap.answer";
  static void visit(auto& self, auto&& v) {
    v("found", self.found);
    v("value", self.value);
  }
};

}  // namespace umaya::services::proxymap
