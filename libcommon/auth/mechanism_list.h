// NAME    mechanism_list - the SASL mechanisms that authd has, and what each needs of the stored passwords
//
// DESCRIPTION
//     A mail program takes the strongest mechanism that it sees and does not try another when that one fails. So only
//     those are offered that the passwords of all users can serve.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace umaya::auth {

struct MechanismInfo {
  std::string_view name;        ///< in capitals
  std::string_view properties;  ///< as they stand in the MECH line, TABs between them
  unsigned needs;               ///< one of these uses of a password (kCheckable …) is enough; 0: none at all
  bool binds_channel;
};

/// The mechanism of that name, written in capitals; null: there is none.
const MechanismInfo* find_mechanism(std::string_view name);
/// Those that are wanted (auth_mechanisms) and that passwords with these uses can serve, in the order of wanted.
/// unserved gets the names that are left out because of the passwords, unknown those that do not exist.
std::vector<const MechanismInfo*> offered_mechanisms(const std::vector<std::string>& wanted, unsigned uses,
                                                     std::vector<std::string>* unserved = nullptr,
                                                     std::vector<std::string>* unknown = nullptr);

}  // namespace umaya::auth
