// NAME    zone_index - the zones of a view by their names
//
// SYNOPSIS
//     ZoneIndex index(view.zones);
//     const ZoneConf* zone = index.exactly(name);
//
// OWNERSHIP
//     The zones outlive the index and stay where they are.
#pragma once

#include <string_view>
#include <unordered_map>
#include <vector>

#include "named-lite/config/zone_conf.h"

namespace umaya::named {

class ZoneIndex {
 public:
  ZoneIndex() = default;
  explicit ZoneIndex(const std::vector<ZoneConf>& zones);
  /// The zone of that name (wire form); nullptr when there is none.
  const ZoneConf* exactly(std::string_view name) const;
  /// The zone with the longest name that has data for a name (wire form); nullptr when there is none.
  const ZoneConf* nearest(std::string_view name) const;

 private:
  struct Hash {
    size_t operator()(std::string_view name) const;
  };
  struct Same {
    bool operator()(std::string_view a, std::string_view b) const { return same_name(a, b); }
  };
  std::unordered_map<std::string_view, const ZoneConf*, Hash, Same> zones_;
};

}  // namespace umaya::named
