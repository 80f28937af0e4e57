// LINK smtpd_core
// NAME    policy_reply_fuzz - answers of policy servers; an action is one line, and parsing it never fails badly
#include <cstdint>

#include "smtpd/access_action.h"
#include "smtpd/policy_service.h"

using namespace umaya::smtpd;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  auto action = parse_policy_reply({reinterpret_cast<const char*>(data), size});
  if (!action) return 0;
  if (action->empty() || action->find('\n') != std::string::npos) __builtin_trap();
  (void)parse_access_action(*action);
  return 0;
}
