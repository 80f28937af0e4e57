// NAME    recent_logins - the addresses that POP-before-SMTP lets through (kept by anvil)
//
// DESCRIPTION
//     Plain data. A log-in from an address makes it count for the whole time again.
//
// LIMITS
//     kMost addresses; the oldest make room for new ones.
#pragma once

#include <list>
#include <string>

#include "libcommon/base/clock.h"
#include "libcommon/base/strings.h"

namespace umaya::smtpd {

class RecentLoginTable {
 public:
  static constexpr size_t kMost = 100'000;
  /// lifetime: pop_before_smtp_time; zero: nothing is kept (pop_before_smtp_enable = no).
  explicit RecentLoginTable(Duration lifetime) : lifetime_(lifetime) {}
  void set_lifetime(Duration lifetime) { lifetime_ = lifetime; }
  void add(const std::string& address, TimePoint now);
  bool has(const std::string& address, TimePoint now);
  size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    std::string address;
    TimePoint when{};
  };
  void forget_old(TimePoint now);

  Duration lifetime_;
  std::list<Entry> entries_;  ///< the oldest first
  StringMap<std::list<Entry>::iterator> by_address_;
};

}  // namespace umaya::smtpd
