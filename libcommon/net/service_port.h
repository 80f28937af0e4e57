// NAME    service_port - the TCP port that a name of a service stands for
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace umaya::net {

/// A number from 1 to 65535, a name of /etc/services, or, where that file does not have it, a name of mail's or DNS's
/// own (IANA's registry of service names): a small system has no such file.
std::optional<uint16_t> service_port(std::string_view text);

}  // namespace umaya::net
