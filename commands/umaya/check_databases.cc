// check: what the .cf files of sqlite, mysql, pgsql and ldap tables say.
#include <set>

#include "commands/umaya/commands.h"
#include "libcommon/config/check.h"
#include "libcommon/databases/lookup_plan.h"
#include "libcommon/databases/parameters.h"

namespace umaya::commands {

using config::Finding;
using config::Severity;

std::vector<Finding> check_databases(const config::Config& config) {
  std::vector<Finding> out;
  std::set<std::string> names;
  for (const config::Setting& setting : config.main_cf().settings) {
    const std::string value = config.get(setting.name);
    for (std::string_view word : split(value, ", \t\r\n{}")) {
      if (word.starts_with("proxy:")) word.remove_prefix(6);
      for (std::string& name : databases::databases_in(word)) names.insert(std::move(name));
    }
  }
  for (const std::string& name : names) {
    auto parameters = databases::Parameters::read(&config, name);
    if (!parameters) {
      out.push_back({Severity::error, parameters.error().what});
      continue;
    }
    for (const std::string& remark : parameters->remarks()) out.push_back({Severity::warning, remark});
    if (auto good = databases::check_parameters(*parameters); !good)
      out.push_back({Severity::error, good.error().what});
  }
  return out;
}

}  // namespace umaya::commands
