#include "named-lite/peers/turns.h"

#include <algorithm>

#include "libcommon/event/loop.h"

namespace umaya::named {

namespace {

constexpr Duration kGrain = std::chrono::milliseconds(10);  // timers are not exact: so much is made up for

}  // namespace

event::Task<void> Turns::next(uint32_t each_second) {
  bool first = co_await first_.acquire();
  (void)first;
  HeldSlot held(first_);
  TimePoint now = monotonic_now();
  if (free_ > now) co_await event::sleep(free_ - now);
  now = monotonic_now();
  free_ = std::max(free_, now - kGrain) + Duration(std::chrono::seconds(1)) / std::max(each_second, 1u);
}

}  // namespace umaya::named
