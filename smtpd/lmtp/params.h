// NAME    params - the parameters that lmtpd alone reads
#pragma once

#include <cstdint>
#include <string>

#include "libcommon/config/bind.h"

namespace umaya::smtpd {

struct LmtpParams {
  std::string banner;
  std::string local_transport, virtual_transport;  ///< services of master.cf
  int64_t user_concurrency_limit = 0;
  int64_t hopcount_limit = 0;
  uint64_t memory_limit = 0;
};

inline constexpr auto kLmtpBindings = config::bindings<LmtpParams>({
    {"lmtpd_banner", &LmtpParams::banner},
    {"lmtpd_local_transport", &LmtpParams::local_transport},
    {"lmtpd_virtual_transport", &LmtpParams::virtual_transport},
    {"lmtpd_user_concurrency_limit", &LmtpParams::user_concurrency_limit},
    {"hopcount_limit", &LmtpParams::hopcount_limit},
    {"lmtpd_memory_limit", &LmtpParams::memory_limit},
});

}  // namespace umaya::smtpd
