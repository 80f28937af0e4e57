// NAME    local_params - the parameters that local(8) acts on
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "libcommon/config/bind.h"

namespace umaya::local_delivery {

struct LocalParams {
  std::string alias_maps, mailbox_transport_maps, mailbox_command_maps, fallback_transport_maps;
  std::string mailbox_transport, mailbox_command, fallback_transport, luser_relay;
  std::string home_mailbox, mail_spool_directory, forward_path;
  std::string quota_maps, quota;
  std::string command_execution_directory, local_command_shell, default_privs;
  std::string command_filter, forward_filter, directory_filter;
  std::string recipient_delimiter, myhostname, mydomain, mail_name, mail_owner;
  std::vector<std::string> allow_commands, allow_files, delivered_header, propagate, locks, export_environment;
  int64_t mailbox_size_limit = 0, duplicate_filter_limit = 0;
  int lock_attempts = 20, log_decimals = 2, concurrency_limit = 2;
  Duration lock_delay{}, stale_lock_time{}, command_time_limit{};
  bool biff = true, strict_ownership = true, require_home = false;
  bool expand_owner = false, reset_owner = false, frozen_delivered = true;
  bool overquota_bounce = false;
  bool original_recipient = true, owner_request_special = true, long_queue_ids = false;
};

inline constexpr auto kLocalBindings = config::bindings<LocalParams>({
    {"alias_maps", &LocalParams::alias_maps},
    {"allow_mail_to_commands", &LocalParams::allow_commands},
    {"allow_mail_to_files", &LocalParams::allow_files},
    {"biff", &LocalParams::biff},
    {"command_execution_directory", &LocalParams::command_execution_directory},
    {"command_expansion_filter", &LocalParams::command_filter},
    {"command_time_limit", &LocalParams::command_time_limit},
    {"default_privs", &LocalParams::default_privs},
    {"delay_logging_resolution_limit", &LocalParams::log_decimals},
    {"deliver_lock_attempts", &LocalParams::lock_attempts},
    {"deliver_lock_delay", &LocalParams::lock_delay},
    {"duplicate_filter_limit", &LocalParams::duplicate_filter_limit},
    {"enable_long_queue_ids", &LocalParams::long_queue_ids},
    {"enable_original_recipient", &LocalParams::original_recipient},
    {"execution_directory_expansion_filter", &LocalParams::directory_filter},
    {"expand_owner_alias", &LocalParams::expand_owner},
    {"export_environment", &LocalParams::export_environment},
    {"fallback_transport", &LocalParams::fallback_transport},
    {"fallback_transport_maps", &LocalParams::fallback_transport_maps},
    {"forward_expansion_filter", &LocalParams::forward_filter},
    {"forward_path", &LocalParams::forward_path},
    {"frozen_delivered_to", &LocalParams::frozen_delivered},
    {"home_mailbox", &LocalParams::home_mailbox},
    {"local_destination_concurrency_limit", &LocalParams::concurrency_limit},
    {"local_command_shell", &LocalParams::local_command_shell},
    {"luser_relay", &LocalParams::luser_relay},
    {"mail_name", &LocalParams::mail_name},
    {"mail_owner", &LocalParams::mail_owner},
    {"mail_spool_directory", &LocalParams::mail_spool_directory},
    {"mailbox_command", &LocalParams::mailbox_command},
    {"mailbox_command_maps", &LocalParams::mailbox_command_maps},
    {"mailbox_delivery_lock", &LocalParams::locks},
    {"mailbox_overquota_bounce", &LocalParams::overquota_bounce},
    {"mailbox_quota", &LocalParams::quota},
    {"mailbox_quota_maps", &LocalParams::quota_maps},
    {"mailbox_size_limit", &LocalParams::mailbox_size_limit},
    {"mailbox_transport", &LocalParams::mailbox_transport},
    {"mailbox_transport_maps", &LocalParams::mailbox_transport_maps},
    {"mydomain", &LocalParams::mydomain},
    {"myhostname", &LocalParams::myhostname},
    {"owner_request_special", &LocalParams::owner_request_special},
    {"prepend_delivered_header", &LocalParams::delivered_header},
    {"propagate_unmatched_extensions", &LocalParams::propagate},
    {"recipient_delimiter", &LocalParams::recipient_delimiter},
    {"require_home_directory", &LocalParams::require_home},
    {"reset_owner_alias", &LocalParams::reset_owner},
    {"stale_lock_time", &LocalParams::stale_lock_time},
    {"strict_mailbox_ownership", &LocalParams::strict_ownership},
});

}  // namespace umaya::local_delivery
