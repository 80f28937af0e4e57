// NAME    pending - what waits for an answer of another process
//
// SYNOPSIS
//     Pending<Waiter> pending(1000, 5s);
//     if (auto ticket = pending.add(std::move(waiter))) ask(*ticket, …);
//     if (auto waiter = pending.take(ticket)) waiter->answer(…);
//
// DESCRIPTION
//     A table of fixed size. A ticket names a place and how often it was used, so that an answer that comes too late
//     meets nobody else. All wait equally long: expire() takes out those whose time is over, the oldest first.
//
// LIMITS
//     add() refuses when the table is full.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <utility>
#include <vector>

#include "libcommon/base/clock.h"

namespace umaya::named {

template <class T>
class Pending {
 public:
  /// most: at most 65536.
  Pending(size_t most, Duration limit) : most_(most), limit_(limit) {}

  /// The ticket; nothing when the table is full.
  std::optional<uint32_t> add(T value, TimePoint now = monotonic_now()) {
    if (free_.empty() && places_.size() >= most_) return std::nullopt;
    if (free_.empty()) {
      free_.push_back(static_cast<uint16_t>(places_.size()));
      places_.emplace_back();
    }
    uint16_t at = free_.back();
    free_.pop_back();
    Place& place = places_[at];
    place.value.emplace(std::move(value));
    uint32_t ticket = static_cast<uint32_t>(place.used) << 16 | at;
    while (!order_.empty() && !waits(order_.front().second)) order_.pop_front();
    order_.push_back({now + limit_, ticket});
    ++size_;
    return ticket;
  }
  /// What waits with this ticket; it waits no more.
  std::optional<T> take(uint32_t ticket) {
    if (!waits(ticket)) return std::nullopt;
    size_t at = ticket & 0xFFFF;
    std::optional<T> value = std::exchange(places_[at].value, std::nullopt);
    ++places_[at].used;
    free_.push_back(static_cast<uint16_t>(at));
    --size_;
    return value;
  }
  /// Gives those whose time is over to fn, one by one.
  template <class F>
  void expire(F fn, TimePoint now = monotonic_now()) {
    while (!order_.empty() && order_.front().first <= now) {
      uint32_t ticket = order_.front().second;
      order_.pop_front();
      if (auto value = take(ticket)) fn(std::move(*value));
    }
  }
  /// Gives all to fn: the one who should answer is gone.
  template <class F>
  void drain(F fn) {
    expire(fn, TimePoint::max());
  }
  size_t size() const { return size_; }

 private:
  struct Place {
    std::optional<T> value;
    uint16_t used = 0;
  };
  bool waits(uint32_t ticket) const {
    size_t at = ticket & 0xFFFF;
    return at < places_.size() && places_[at].used == ticket >> 16 && places_[at].value.has_value();
  }
  size_t most_;
  Duration limit_;
  size_t size_ = 0;
  std::vector<Place> places_;
  std::vector<uint16_t> free_;
  std::deque<std::pair<TimePoint, uint32_t>> order_;
};

}  // namespace umaya::named
