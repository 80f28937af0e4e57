// NAME    pace - when a busy socket is looked at by the clock
//
// DESCRIPTION
//     Being woken for each few datagrams costs as much as answering them. A socket that has been asked more than kBusy
//     times a second for kSustained windows is looked at every kTick instead, until it is asked less than kCalm times:
//     what has come meanwhile is one batch. A question then waits for kTick at most; below kBusy no question ever
//     waits. Looks are as far apart from begin to begin, so a server that needs the whole tick for its answers does not
//     wait at all.
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
  static constexpr unsigned kSustained = 5;  ///< windows; what has piled up while others had the processor is no load

  /// A look that began at `began` found `count` questions. True when the next one is due at began + kTick.
  bool note(TimePoint began, size_t count) {
    count_ += count;
    auto passed = std::chrono::duration<double>(began - window_);
    if (passed < kWindow) return paced_;
    double rate = static_cast<double>(count_) / passed.count();
    busy_ = rate > kBusy ? busy_ + 1 : 0;
    paced_ = paced_ ? rate > kCalm : busy_ >= kSustained;
    window_ = began;
    count_ = 0;
    return paced_;
  }

 private:
  TimePoint window_;
  size_t count_ = 0;
  unsigned busy_ = 0;  // windows on end
  bool paced_ = false;
};

}  // namespace umaya::named
