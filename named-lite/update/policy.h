// NAME    policy - who may change what in a zone
//
// SYNOPSIS
//     if (!may_update(access, requester)) …                       // REFUSED for the whole message
//     if (!grants(access, requester, zone, owner, type)) …              // REFUSED because of one record
//
// DESCRIPTION
//     allow-update is a list of addresses and keys that may change everything. update-policy is a list of rules, the
//     first that fits a record decides. Signed updates alone fit a rule, but for tcp-self, which goes by the address.
//     Where there are rules, allow-update does not count.
#pragma once

#include <cstdint>
#include <string_view>

#include "named-lite/config/update_conf.h"

namespace umaya::named {

struct UpdateAccess {
  AclRef allow_update;  ///< null: nobody
  UpdatePolicy rules;   ///< when there are any, allow_update does not count
};

/// Whether anybody at all may update: the zone is dynamic.
bool allows_somebody(const AclRef& allow_update, const UpdatePolicy& rules);

/// Who asks for a change.
struct UpdateRequester {
  Requester requester;
  bool over_tcp = false;
};

/// Whether the requester may change anything at all.
bool may_update(const UpdateAccess& access, const UpdateRequester& client);

struct Grant {
  bool allowed = false;
  uint32_t most_records = 0;  ///< of the type at the name; 0: no limit
};
/// Whether the requester may change records of this name and type.
Grant grants(const UpdateAccess& access, const UpdateRequester& client, std::string_view zone, std::string_view owner,
             uint16_t type);

}  // namespace umaya::named
