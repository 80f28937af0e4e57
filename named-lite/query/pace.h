// NAME    pace - when a busy socket is looked at by the clock
//
// DESCRIPTION
//     Being woken for each few datagrams costs as much as answering them. A socket that is asked more than kBusy times
//     a second is looked at every kTick instead, until it is asked less than kCalm times: what has come meanwhile is
//     one batch. A question then waits for kTick at most; below kBusy no question ever waits. Looks are as far apart
//     from begin to begin, so a server that needs the whole tick for its answers does not wait at all.
#pragma once

#include <cstddef>

#include "libcommon/base/clock.h"

namespace umaya::named {

class Pace {
 public:
  static constexpr auto kTick = std::chrono::microseconds(200);
  static constexpr auto kWindow = std::chrono::milliseconds(4);
  static constexpr double kBusy = 40'000;  ///< questions a second
  static constexpr double kCalm = 25'000;

  /// A look that began at `began` found `count` questions. True when the next one is due at began + kTick.
  bool note(TimePoint began, size_t count) {
    count_ += count;
    auto passed = std::chrono::duration<double>(began - window_);
    if (passed < kWindow) return paced_;
    paced_ = static_cast<double>(count_) / passed.count() > (paced_ ? kCalm : kBusy);
    window_ = began;
    count_ = 0;
    return paced_;
  }

 private:
  TimePoint window_;
  size_t count_ = 0;
  bool paced_ = false;
};

}  // namespace umaya::named
