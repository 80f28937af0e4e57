// NAME    virtual_params - the parameters that virtual(8) acts on
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "libcommon/config/bind.h"

namespace umaya::local_delivery {

struct VirtualParams {
  std::string base, mailbox_maps, uid_maps, gid_maps;
  std::string limit_maps, quota, limit_message;
  int64_t mailbox_limit = 0;
  uint32_t minimum_uid = 100;
  std::vector<std::string> locks;
  bool strict_ownership = true, original_recipient = true;
  bool limit_override = true, overquota_bounce = false;
  int lock_attempts = 20, log_decimals = 2;
  Duration lock_delay{}, stale_lock_time{};
};

// Empty is said when mail comes, not at start: the service stands in every master.cf.
inline Result<> set_virtual_base(VirtualParams& params, const std::string& value) {
  params.base = value;
  return {};
}

inline constexpr auto kVirtualBindings = config::bindings<VirtualParams>({
    {"delay_logging_resolution_limit", &VirtualParams::log_decimals},
    {"deliver_lock_attempts", &VirtualParams::lock_attempts},
    {"deliver_lock_delay", &VirtualParams::lock_delay},
    {"enable_original_recipient", &VirtualParams::original_recipient},
    {"stale_lock_time", &VirtualParams::stale_lock_time},
    {"strict_mailbox_ownership", &VirtualParams::strict_ownership},
    {"virtual_gid_maps", &VirtualParams::gid_maps},
    {"virtual_mailbox_base", &set_virtual_base},
    {"virtual_mailbox_limit", &VirtualParams::mailbox_limit},
    {"virtual_mailbox_limit_maps", &VirtualParams::limit_maps},
    {"virtual_mailbox_limit_override", &VirtualParams::limit_override},
    {"virtual_mailbox_lock", &VirtualParams::locks},
    {"virtual_mailbox_maps", &VirtualParams::mailbox_maps},
    {"virtual_mailbox_quota", &VirtualParams::quota},
    {"virtual_maildir_limit_message", &VirtualParams::limit_message},
    {"virtual_minimum_uid", &VirtualParams::minimum_uid},
    {"virtual_overquota_bounce", &VirtualParams::overquota_bounce},
    {"virtual_uid_maps", &VirtualParams::uid_maps},
});

}  // namespace umaya::local_delivery
