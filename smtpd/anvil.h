// NAME    anvil - counts connections and rates of clients for all processes of a service
//
// DESCRIPTION
//     The counts are plain data (AnvilCounts); AnvilService speaks services/anvil.h. What a process has counted as
//     connected is taken back when its connection to us ends. The highest values are logged from time to time.
//
// LIMITS
//     100,000 clients; beyond that those without connections are forgotten first.
#pragma once

#include <string>
#include <string_view>

#include "libcommon/base/clock.h"
#include "libcommon/base/strings.h"
#include "libcommon/event/task.h"
#include "libcommon/ipc/channel.h"
#include "libcommon/services/anvil.h"
#include "smtpd/recent_logins.h"

namespace umaya::smtpd {

class AnvilCounts {
 public:
  explicit AnvilCounts(Duration unit) : unit_(unit) {}
  void set_unit(Duration unit) { unit_ = unit; }
  /// Notes an event of "service:client" and gives the counts after it.
  services::anvil::Counts count(services::anvil::Event event, const std::string& key, TimePoint now);
  /// Takes back one connection.
  void disconnect(const std::string& key, TimePoint now);
  /// Writes the highest values since the last call to the log, and starts afresh.
  void log_statistics();
  size_t size() const { return clients_.size(); }

 private:
  static constexpr size_t kEvents = 6;
  struct Client {
    uint32_t connections = 0;
    uint32_t rates[kEvents] = {};
    TimePoint start{};  ///< of the time unit that rates count in
  };
  struct Peak {
    uint32_t value = 0;
    std::string key;
    int64_t seconds = 0;
  };
  void forget_idle(TimePoint now);
  static void raise(Peak& peak, uint32_t value, const std::string& key);

  Duration unit_;
  StringMap<Client> clients_;
  Peak rate_peaks_[kEvents];
  Peak connection_peak_;
  Peak size_peak_;
};

/// All that anvil keeps.
struct AnvilState {
  AnvilCounts counts;
  RecentLoginTable logins;
};

/// One worker's connection, until it closes.
event::Task<void> serve_anvil(AnvilState* state, Fd fd);

}  // namespace umaya::smtpd
