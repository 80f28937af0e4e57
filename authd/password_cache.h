// NAME    password_cache - passwords that were found right a short while ago
//
// DESCRIPTION
//     Spares the slow hash of a log-in that comes again. What is kept is a keyed digest (HMAC-SHA-256, a key that never
//     leaves this process and changes with it) of canonical name, service, what the source has stored for the user, and
//     the password: an entry cannot be found for another user, another service or after a change of the password, and
//     gives nothing away. Entries live for auth_cache_ttl and are dropped when a source has changed.
//
// LIMITS
//     kMostEntries; the oldest give way.
#pragma once

#include <string>
#include <string_view>

#include "authd/penalties.h"
#include "libcommon/base/clock.h"

namespace umaya::authd {

/// Strings each behind its length, so that no two lists of strings look the same.
std::string framed(std::initializer_list<std::string_view> parts);

class PasswordCache {
 public:
  static constexpr size_t kMostEntries = 20'000;

  /// ttl zero: nothing is ever kept.
  explicit PasswordCache(Duration ttl);
  struct Question {
    std::string_view user, service, stored, password;
  };
  bool knows(const Question& question, TimePoint now);
  void keep(const Question& question, TimePoint now);
  void clear() { entries_.clear(); }
  size_t size() const { return entries_.size(); }
  /// The same for the same user and password, and useless to others (for Penalties).
  std::string mark_of(std::string_view user, std::string_view password) const;

 private:
  std::string key_of(const Question& question) const;

  Duration ttl_;
  std::string secret_;
  RecentMap<TimePoint> entries_{kMostEntries};
};

}  // namespace umaya::authd
