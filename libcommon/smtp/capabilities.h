// NAME    capabilities - what a server says that it can do (the reply to EHLO or LHLO)
//
// DESCRIPTION
//     A pure function of the reply. Keywords that the configuration discards count as not said. Unknown keywords are
//     passed over, a SIZE that is no number counts as SIZE without limit.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "libcommon/smtp/reply.h"

namespace umaya::smtp {

enum Feature : uint32_t {
  kEsmtp = 1,
  kPipelining = 2,
  kSize = 4,
  kEightBitMime = 8,
  kDsn = 16,
  kSmtpUtf8 = 32,
  kChunking = 64,
  kStartTls = 128,
  kAuth = 256,
  kXforward = 512,
  kEnhancedStatusCodes = 1024,
};

struct Capabilities {
  uint32_t features = 0;
  uint64_t size_limit = 0;                     ///< 0: none was said
  std::string server_name{};                   ///< first word of the first line
  std::vector<std::string> auth_mechanisms{};  ///< upper case
  std::vector<std::string> xforward{};         ///< attributes that the server takes, upper case

  bool has(Feature feature) const { return (features & feature) != 0; }
};

/// Reads the reply to EHLO; discard holds keywords (any case) that count as not said.
Capabilities parse_capabilities(const Reply& reply, const std::vector<std::string>& discard);

}  // namespace umaya::smtp
