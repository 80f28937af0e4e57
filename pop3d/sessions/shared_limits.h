// NAME    shared_limits - what all processes of pop3d count together: sessions by user and address, times of log-ins
//
// SYNOPSIS
//     UMAYA_TRY(auto limits, SharedLimits::open(path));
//     switch (limits->admit({user, address, 10, 60s}, wall_seconds())) …   // on admitted, later:
//     limits->release(user, address);
//
// DESCRIPTION
//     A file of fixed size that is mapped by every parent of sessions, and locked for the moment of a change. What a
//     process has counted counts for nothing once it is gone, however it ended. Times of log-ins outlive a restart.
//
// ERRORS
//     Only open() can fail. A table that is full where a user would have to stand counts that user no longer, and lets
//     in.
//
// LIMITS
//     kSlots users and pairs of user and address; a time gives way to a later one.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "libcommon/base/clock.h"
#include "libcommon/base/fd.h"
#include "libcommon/base/result.h"

namespace umaya::pop3d {

enum class Admission : unsigned char { admitted, too_many, too_soon };

class SharedLimits {
 public:
  struct Claim {
    std::string_view user;
    std::string_view address;
    int most_sessions = 0;  ///< of this user from this address; 0: no limit
    Duration delay{};       ///< between two log-ins of this user; zero: none
  };
  static Result<std::unique_ptr<SharedLimits>> open(const std::string& path);
  SharedLimits(const SharedLimits&) = delete;
  SharedLimits& operator=(const SharedLimits&) = delete;
  ~SharedLimits();

  Admission admit(const Claim& claim, int64_t now);
  /// A session that was admitted has ended.
  void release(std::string_view user, std::string_view address);

 private:
  static constexpr size_t kSlots = 16384;
  static constexpr size_t kReach = 16;  // slots that a key may stand in
  struct Slot {
    uint64_t key;
    int64_t when;
    int32_t owner;  // process whose sessions are counted; 0 for the time of a log-in
    uint32_t count;
  };
  struct Table {
    uint64_t seed;
    Slot slots[kSlots];
  };
  class Lock;

  SharedLimits(Fd fd, Table* table);
  uint64_t key_of(std::string_view kind, std::string_view user, std::string_view address) const;
  Slot* find(uint64_t key, int32_t owner, bool make);
  int sessions_of(uint64_t key);
  void forget_own();

  Fd fd_;
  Table* table_;
  int32_t own_;
};

}  // namespace umaya::pop3d
