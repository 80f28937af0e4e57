// NAME    anvil service - private/anvil, counts clients over all workers of a service
//
// DESCRIPTION
//     A worker keeps one connection; what it has counted as connected is taken back when that connection ends.
//     Counts are by service and client address, rates over anvil_rate_time_unit.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace umaya::services::anvil {

inline constexpr std::string_view kSocket = "private/anvil";

enum class Event : uint8_t {
  connect,
  disconnect,
  message,
  recipient,
  tls_session,
  auth,
  login,         ///< POP-before-SMTP: somebody has logged in from there; use RecentLogins (recent_logins.h)
  recent_login,  ///< whether somebody has: rate is 1 or 0
};

/// Answered with Counts, except disconnect and login, which are not answered.
struct Count {
  Event event = Event::connect;
  std::string service;  ///< "smtp"
  std::string client;   ///< address in text
  static constexpr std::string_view kName = "anvil.count";
  static void visit(auto& self, auto&& v) {
    v("event", self.event);
    v("service", self.service);
    v("client", self.client);
  }
};

struct Counts {
  uint32_t connections = 0;  ///< open now
  uint32_t rate = 0;         ///< of the event asked about, within the time unit
  static constexpr std::string_view kName = "anvil.counts";
  static void visit(auto& self, auto&& v) {
    v("connections", self.connections);
    v("rate", self.rate);
  }
};

}  // namespace umaya::services::anvil
