#include "submission/authorized_users.h"

#include <fmt/format.h>
#include <pwd.h>
#include <unistd.h>

#include "libcommon/base/strings.h"

namespace umaya::submission {

std::string user_name(uid_t uid) {
  const passwd* account = ::getpwuid(uid);
  return account ? std::string(account->pw_name) : fmt::format("{}", uid);
}

Result<bool> is_authorized(const config::Config& config, std::string_view parameter, std::string_view user) {
  if (user == "root" || user == config.get("mail_owner")) return true;
  for (std::string_view item : split_list(config.get(parameter))) {
    const bool negated = item.starts_with('!');
    if (negated) item.remove_prefix(1);
    if (item == user || item.starts_with("static:")) return !negated;
    if (item.find(':') != item.npos) return config.bad_value(parameter, "cannot open this kind of table here");
  }
  return false;
}

}  // namespace umaya::submission
