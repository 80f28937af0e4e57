// NAME    policy_settings - the smtpd_policy_service_* parameters, which a check_policy_service may override
#pragma once

#include <cstdint>
#include <string>

#include "libcommon/base/clock.h"

namespace umaya::smtpd {

struct PolicySettings {
  std::string default_action = "451 4.3.5 Server configuration problem";
  std::string context;  ///< policy_context
  Duration timeout = std::chrono::seconds(100);
  Duration retry_delay = std::chrono::seconds(1);
  Duration max_idle = std::chrono::seconds(300);
  Duration max_ttl = std::chrono::seconds(1000);
  int64_t try_limit = 2;
  int64_t request_limit = 0;  ///< requests for each connection; 0: no limit
};

}  // namespace umaya::smtpd
