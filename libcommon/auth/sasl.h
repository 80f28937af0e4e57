// NAME    sasl - messages of the SASL mechanisms that carry a password as it is
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "libcommon/base/secret.h"

namespace umaya::auth {

struct PlainCredentials {
  std::string authorize_as;  ///< empty: the same as user
  std::string user;
  Secret password;
};

/// RFC 4616: [authzid] NUL authcid NUL passwd; nothing when malformed or when a part is longer than 1024 octets.
std::optional<PlainCredentials> parse_sasl_plain(std::string_view message);
/// The message of a client.
std::string make_sasl_plain(std::string_view user, std::string_view password);

/// What a server asks for in LOGIN, in this order.
inline constexpr std::string_view kLoginUserPrompt = "Username:";
inline constexpr std::string_view kLoginPasswordPrompt = "Password:";

}  // namespace umaya::auth
