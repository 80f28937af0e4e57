// NAME    unconfirmed - deliveries of which the client may not know
//
// SYNOPSIS
//     switch (deliveries.begin(key)) { … }
//     deliveries.end(key);                 // whatever came of it
//     deliveries.remember(key, text);      // it was delivered, and the client went away before it could read the reply
//
// DESCRIPTION
//     A client whose connection ends between the end of the text and our replies tries again, maybe while the first
//     delivery goes on. Keys are those of libcommon/services/delivery_key.h; only messages with an origin (trace.h)
//     have one that a later try shares.
//
// LIMITS
//     kMost deliveries, the oldest are forgotten first, each after kKept. Nothing is stored: with the process all is
//     forgotten, and what remains is the name of the file in a Maildir.
#pragma once

#include <deque>
#include <set>
#include <string>

#include "libcommon/base/clock.h"
#include "libcommon/base/strings.h"

namespace umaya::smtpd {

class Unconfirmed {
 public:
  enum class Known : uint8_t {
    no,
    running,    ///< a try of it goes on; the new one must wait for another time
    delivered,  ///< text() says how
  };
  /// A try begins, unless one is known.
  Known begin(const std::string& key);
  void end(const std::string& key) { running_.erase(key); }
  void remember(const std::string& key, std::string text);
  /// What was remembered of it.
  const std::string& text(const std::string& key) const { return delivered_.at(key).text; }
  size_t size() const { return delivered_.size(); }

 private:
  static constexpr size_t kMost = 10'000;
  static constexpr Duration kKept = std::chrono::hours(24 * 5);
  struct Entry {
    std::string text;
    TimePoint since{};
  };
  void forget_old();

  std::set<std::string> running_;
  StringMap<Entry> delivered_;
  std::deque<std::string> order_;
};

}  // namespace umaya::smtpd
