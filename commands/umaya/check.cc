// check: directories, main.cf and master.cf.
#include "libcommon/config/check.h"

#include "commands/umaya/commands.h"
#include "libcommon/daemon/instance.h"
#include "libcommon/log/log.h"

namespace umaya::commands {

bool check_instance(const config::Config& config) {
  bool usable = true;
  for (const config::Finding& finding : config::check(config)) {
    switch (finding.severity) {
      case config::Severity::error:
        usable = false;
        log::error("{}", finding.text);
        break;
      case config::Severity::warning:
        log::warning("{}", finding.text);
        break;
      case config::Severity::note:
        log::info("{}", finding.text);
        break;
    }
  }
  auto prepared = daemon::prepare_directories(config);
  if (!prepared) {
    log::error("{}", prepared.error().what);
    return false;
  }
  for (const std::string& line : *prepared) log::info("{}", line);
  return usable;
}

int check(const Invocation& invocation, const std::vector<std::string>&) {
  config::Config config = open_instance(invocation);
  return check_instance(config) ? 0 : 1;
}

}  // namespace umaya::commands
