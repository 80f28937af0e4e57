// NAME    access - what the caller of a set-gid command may choose and do
#pragma once

#include <string>
#include <string_view>

#include "libcommon/base/result.h"
#include "libcommon/config/config.h"

namespace umaya::postqueue {

/// The configuration directory: the option, else $MAIL_CONFIG, else the compiled-in one. A set-gid process takes
/// another than that only from root, or when the default main.cf lists it in alternate_config_directories or
/// multi_instance_directories.
Result<std::string> choose_directory(const std::string& option);

/// Whether the real user is in the list (authorized_flush_users, authorized_mailq_users); root and mail_owner are.
Result<bool> is_authorized(const config::Config& config, std::string_view parameter);

}  // namespace umaya::postqueue
