// NAME    priority - the severities that postlog(1) takes
#pragma once

#include <optional>
#include <string_view>

#include "libcommon/log/log.h"

namespace umaya::postlog {

/// "info", "warn" or "warning", "error", "fatal", "panic"; nothing for another word. fatal and panic only mark the
/// line.
std::optional<log::Level> parse_priority(std::string_view word);

}  // namespace umaya::postlog
