// NAME    params - parameters of authd
#pragma once

#include <string>
#include <vector>

#include "libcommon/config/bind.h"

namespace umaya::authd {

struct Params {
  std::vector<std::string> sources{"passwd-file"};
  std::vector<std::string> mechanisms{"plain", "login"};
  std::string passwd_file;
  std::string password_maps, user_maps;
  std::string static_password, user_defaults;
  std::string default_scheme = "CRYPT", default_realm, pam_service;
  std::string myhostname = "localhost";
  std::string virtual_base, virtual_domains, virtual_mailbox_maps, virtual_uid_maps, virtual_gid_maps;
  std::string recipient_delimiter;
  Duration failure_delay{}, failure_delay_limit{};
  Duration cache_ttl{};
  int system_concurrency = 8;
  int queue_limit = 1000;
  int first_valid_uid = 0;
  bool fold_user_names = true, allow_weak_schemes = false;
};

/// Empty where there are no virtual mailboxes.
inline Result<> set_virtual_base(Params& params, const std::string& value) {
  params.virtual_base = value;
  return {};
}

inline constexpr auto kBindings = config::bindings<Params>({
    {"auth_allow_weak_schemes", &Params::allow_weak_schemes},
    {"auth_cache_ttl", &Params::cache_ttl},
    {"auth_default_realm", &Params::default_realm},
    {"auth_default_scheme", &Params::default_scheme},
    {"auth_failure_delay", &Params::failure_delay},
    {"auth_failure_delay_limit", &Params::failure_delay_limit},
    {"auth_first_valid_uid", &Params::first_valid_uid},
    {"auth_fold_user_names", &Params::fold_user_names},
    {"auth_mechanisms", &Params::mechanisms},
    {"auth_pam_service", &Params::pam_service},
    {"auth_passwd_file", &Params::passwd_file},
    {"auth_password_maps", &Params::password_maps},
    {"auth_queue_limit", &Params::queue_limit},
    {"auth_sources", &Params::sources},
    {"auth_static_password", &Params::static_password},
    {"auth_system_concurrency", &Params::system_concurrency},
    {"auth_user_defaults", &Params::user_defaults},
    {"auth_user_maps", &Params::user_maps},
    {"myhostname", &Params::myhostname},
    {"recipient_delimiter", &Params::recipient_delimiter},
    {"virtual_gid_maps", &Params::virtual_gid_maps},
    {"virtual_mailbox_base", &set_virtual_base},
    {"virtual_mailbox_domains", &Params::virtual_domains},
    {"virtual_mailbox_maps", &Params::virtual_mailbox_maps},
    {"virtual_uid_maps", &Params::virtual_uid_maps},
});

}  // namespace umaya::authd
