// NAME    names - which parameters an instance has
//
// DESCRIPTION
//     Three classes: built-in ones, those of the transports in master.cf (smtp_destination_recipient_limit …) and the
//     administrator's own, which count when main.cf sets them and something that counts mentions them.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "libcommon/config/config.h"
#include "libcommon/config/master_cf.h"

namespace umaya::postconf {

using NameSet = std::set<std::string, std::less<>>;

struct ParameterNames {
  NameSet builtin;
  NameSet service;
  NameSet user;
  NameSet mentioned;                    ///< as $name in a value that counts
  std::vector<config::Setting> unused;  ///< set in main.cf and nothing reads them
  std::vector<std::string> undefined;   ///< mentioned as $name and defined nowhere

  static ParameterNames of(const config::Config& config, const std::vector<config::MasterEntry>& services);
  bool contains(std::string_view name) const {
    return builtin.contains(name) || service.contains(name) || user.contains(name);
  }
};

/// -o settings of master.cf that nothing reads, "name=value", and $names in them that are defined nowhere.
struct OptionNames {
  std::vector<std::string> unused;
  std::vector<std::string> undefined;

  static OptionNames of(const config::Config& config, const ParameterNames& names,
                        const std::vector<config::MasterEntry>& services);
};

/// The -o settings in front of a service's own arguments, by name; the last one of a name counts.
std::vector<std::pair<std::string, std::string>> options_of(const config::MasterEntry& entry);

}  // namespace umaya::postconf
