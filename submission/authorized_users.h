// NAME    authorized_users - who may use a command: authorized_submit_users, authorized_flush_users and their like
//
// DESCRIPTION
//     A list of user names, "!name" (not this one) and type:table patterns, of which the first that fits decides;
//     static:anyone fits everybody. root and mail_owner always may.
//
// ERRORS
//     A table that cannot be asked is a temporary error.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>

#include "libcommon/base/result.h"
#include "libcommon/config/config.h"

namespace umaya::submission {

/// The login name of a user, or nothing but digits when there is no account.
std::string user_name(uid_t uid);

/// Whether the value of `parameter` lets the user in.
Result<bool> is_authorized(const config::Config& config, std::string_view parameter, std::string_view user);

}  // namespace umaya::submission
