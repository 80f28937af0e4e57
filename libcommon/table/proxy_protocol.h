// NAME    proxy_protocol - questions to proxymap(8) about tables that the asking process cannot open
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace umaya::table {

/// Below queue_directory.
inline constexpr std::string_view kProxymapSocket = "private/proxymap";

struct ProxyQuery {
  std::string table;  ///< "type:name", must stand in proxy_read_maps, or be a database that main.cf names
  std::string key;
  bool keep_case = false;        ///< keys of tables of fixed strings are not folded
  bool no_substitution = false;  ///< $1 may not stand in results
  static constexpr std::string_view kName = "proxymap.query";
  static void visit(auto& self, auto&& v) {
    v("table", self.table);
    v("key", self.key);
    v("keep_case", self.keep_case);
    v("no_substitution", self.no_substitution);
  }
};

enum class ProxyFound : uint8_t { yes, no, failed, refused };

struct ProxyAnswer {
  ProxyFound found = ProxyFound::failed;
  std::string value;  ///< the value, or why it failed
  static constexpr std::string_view kName = "proxymap.answer";
  static void visit(auto& self, auto&& v) {
    v("found", self.found);
    v("value", self.value);
  }
};

}  // namespace umaya::table
