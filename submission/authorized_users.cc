#include "submission/authorized_users.h"

#include <fmt/format.h>
#include <pwd.h>
#include <unistd.h>

#include "libcommon/table/match_list.h"
#include "libcommon/table/open.h"

namespace umaya::submission {

std::string user_name(uid_t uid) {
  const passwd* account = ::getpwuid(uid);
  return account ? std::string(account->pw_name) : fmt::format("{}", uid);
}

Result<bool> is_authorized(const config::Config& config, std::string_view parameter, std::string_view user) {
  if (user == "root" || user == config.get("mail_owner")) return true;
  auto list = table::MatchList::parse(table::options_from(config), std::string(parameter), config.get(parameter),
                                      table::MatchKind::exact);
  switch (list.matches(user)) {
    case table::Match::yes:
      return true;
    case table::Match::no:
      return false;
    case table::Match::error:
      break;
  }
  return std::unexpected(list.error());
}

}  // namespace umaya::submission
