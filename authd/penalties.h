// NAME    penalties - how long the answer to a wrong password is held back, and who is asked to come back later
//
// DESCRIPTION
//     Each wrong password of an address doubles the time for which its next answer is held back: auth_failure_delay, at
//     most auth_failure_delay_limit (2, 4, 8, 15, 15 … seconds). Only failures are held back; who knows the password
//     never waits. The same wrong password for the same user again, as a mail program with an old password sends it,
//     counts once. A right password clears the address when its failures were about that user, else it takes one step
//     back: an attacker with one account must not wipe out his guesses at others'. A step is forgotten each minute.
//     IPv6 addresses count by /64, loopback addresses, behind which a webmail may stand, not at all.
//
//     Answers that are held back do not occupy an address: it may have kAtOnce guesses under way in the time that they
//     are held back for, also over many connections; more are told "temporary" without a look at the password.
//     Names that many addresses guess at: after kGuessesAtUser wrong ones within ten minutes strangers wait before
//     their password is looked at, 1, 2, 4 … seconds. They are never refused for that. An address from which a user has
//     logged in before is known for that user and suffers neither of the two: nobody can lock a user out.
//
// LIMITS
//     kMostEntries addresses and as many names and known pairs; the oldest give way.
#pragma once

#include <cstdint>
#include <list>
#include <string>
#include <string_view>

#include "libcommon/base/clock.h"
#include "libcommon/base/strings.h"

namespace umaya::authd {

/// Entries by name that were used last; the oldest give way. Entry needs nothing but a default.
template <class Entry>
class RecentMap {
 public:
  explicit RecentMap(size_t most) : most_(most) {}
  Entry& at(const std::string& key) {
    if (Entry* known = find(key)) return *known;
    if (order_.size() >= most_) {
      index_.erase(order_.back().first);
      order_.pop_back();
    }
    order_.emplace_front(key, Entry{});
    index_[key] = order_.begin();
    return order_.front().second;
  }
  Entry* find(std::string_view key) {
    auto row = index_.find(key);
    if (row == index_.end()) return nullptr;
    order_.splice(order_.begin(), order_, row->second);
    return &order_.front().second;
  }
  void erase(std::string_view key) {
    auto row = index_.find(key);
    if (row == index_.end()) return;
    order_.erase(row->second);
    index_.erase(row);
  }
  void clear() {
    order_.clear();
    index_.clear();
  }
  size_t size() const { return order_.size(); }

 private:
  using Order = std::list<std::pair<std::string, Entry>>;
  size_t most_;
  Order order_;
  StringMap<typename Order::iterator> index_;
};

struct PenaltyRules {
  Duration delay = std::chrono::seconds(2);
  Duration delay_limit = std::chrono::seconds(15);
};

class Penalties {
 public:
  static constexpr size_t kMostEntries = 50'000;
  static constexpr int kAtOnce = 16;
  static constexpr int kGuessesAtUser = 20;

  explicit Penalties(PenaltyRules rules) : rules_(rules) {}

  /// What is to be done before the password is looked at.
  struct Admission {
    bool refused = false;  ///< too many guesses under way: temporary
    bool known = false;    ///< the user has logged in from there before
    Duration wait{};
  };
  Admission admit(std::string_view address, std::string_view user, TimePoint now);
  /// A wrong password; mark is anything that is the same for the same password (never the password). Gives how long
  /// the answer is held back, counted from the beginning of the attempt.
  Duration failed(std::string_view address, std::string_view user, std::string_view mark, TimePoint now);
  void succeeded(std::string_view address, std::string_view user, TimePoint now);
  size_t entries() const { return addresses_.size() + users_.size() + known_.size(); }

 private:
  static constexpr size_t kMarks = 4;
  struct Address {
    int steps = 0;
    TimePoint since{};       // steps are counted down from here
    TimePoint busy_until{};  // when its guesses under way are all answered, were they to come one by one kAtOnce times
    std::string last_marks[kMarks];
    size_t next_mark = 0;
    std::string user;  // that all steps are about
    bool many_users = false;
  };
  struct User {
    int guesses = 0;
    TimePoint since{};
  };
  void forget(Address& entry, TimePoint now) const;
  void forget(User& entry, TimePoint now) const;

  PenaltyRules rules_;
  RecentMap<Address> addresses_{kMostEntries};
  RecentMap<User> users_{kMostEntries};
  RecentMap<TimePoint> known_{kMostEntries};
};

/// What an address counts as: itself, its /64, or nothing for loopback addresses and what is no address.
std::string penalty_key(std::string_view address);

}  // namespace umaya::authd
