#include "commands/postqueue/access.h"

#include <pwd.h>
#include <stdlib.h>
#include <unistd.h>

#include <algorithm>

#include "libcommon/daemon/daemon.h"
#include "libcommon/table/match_list.h"
#include "libcommon/table/open.h"

namespace umaya::postqueue {
namespace {

bool is_listed(const std::string& standard, const std::string& directory) {
  auto config = config::Config::load(standard);
  if (!config) return false;
  for (const char* parameter : {"alternate_config_directories", "multi_instance_directories"}) {
    auto list = config->get_list(parameter);
    if (std::find(list.begin(), list.end(), directory) != list.end()) return true;
  }
  return false;
}

}  // namespace

Result<std::string> choose_directory(const std::string& option) {
  const char* environment = ::getenv("MAIL_CONFIG");
  std::string asked = !option.empty() ? option : environment != nullptr ? environment : "";
  bool is_set_gid = ::getegid() != ::getgid() || ::geteuid() != ::getuid();
  if (!is_set_gid) return asked.empty() ? daemon::config_directory_of(nullptr) : asked;
  ::clearenv();
  std::string standard = daemon::config_directory_of(nullptr);
  if (asked.empty() || asked == standard) return standard;
  if (::getuid() == 0 || is_listed(standard, asked)) return asked;
  return permanent("configuration directory " + asked +
                   ": not listed in alternate_config_directories or multi_instance_directories of " + standard +
                   "/main.cf");
}

Result<bool> is_authorized(const config::Config& config, std::string_view parameter) {
  const passwd* account = ::getpwuid(::getuid());
  std::string user = account != nullptr ? account->pw_name : std::to_string(::getuid());
  if (::getuid() == 0 || user == config.get("mail_owner")) return true;
  auto list = table::MatchList::parse(table::options_from(config), std::string(parameter), config.get(parameter),
                                      table::MatchKind::exact);
  table::Match match = list.matches(user);
  if (match == table::Match::error) return std::unexpected(list.error());
  return match == table::Match::yes;
}

}  // namespace umaya::postqueue
