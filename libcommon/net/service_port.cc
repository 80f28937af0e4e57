#include "libcommon/net/service_port.h"

#include <arpa/inet.h>
#include <netdb.h>

#include <algorithm>
#include <iterator>
#include <string>

#include "libcommon/base/strings.h"

namespace umaya::net {

namespace {

struct KnownPort {
  std::string_view name;
  uint16_t port;
};
constexpr KnownPort kKnownPorts[] = {{"smtp", 25},         {"mail", 25},   {"lmtp", 24},   {"submission", 587},
                                     {"submissions", 465}, {"smtps", 465}, {"ssmtp", 465}, {"pop3", 110},
                                     {"pop3s", 995},       {"imap", 143},  {"imap2", 143}, {"imaps", 993},
                                     {"domain", 53}};

}  // namespace

std::optional<uint16_t> service_port(std::string_view text) {
  if (auto number = parse_uint(text)) {
    return *number > 0 && *number <= UINT16_MAX ? std::optional(static_cast<uint16_t>(*number)) : std::nullopt;
  }
  if (const servent* entry = getservbyname(std::string(text).c_str(), "tcp")) {
    return ntohs(static_cast<uint16_t>(entry->s_port));
  }
  const auto* known = std::find_if(std::begin(kKnownPorts), std::end(kKnownPorts),
                                   [text](const KnownPort& entry) { return entry.name == text; });
  return known == std::end(kKnownPorts) ? std::nullopt : std::optional(known->port);
}

}  // namespace umaya::net
