// NAME    pattern - which services of master.cf are meant: "smtp/inet", "smtp", "*/unix/chroot"
#pragma once

#include <string>
#include <string_view>

#include "libcommon/config/master_cf.h"

namespace umaya::postconf {

/// Up to three parts between slashes; a missing part or "*" means any. Service names may hold slashes themselves only
/// when all parts are given.
struct Pattern {
  std::string text;  ///< as given
  std::string service = "*";
  std::string type = "*";
  std::string item = "*";  ///< field or parameter

  static Pattern parse(std::string_view text);
  bool matches(const config::MasterEntry& entry) const;
  bool matches_item(std::string_view name) const { return item == "*" || item == name; }
};

}  // namespace umaya::postconf
