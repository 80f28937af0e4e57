// NAME    turns - so many of something in a second, one after the other
//
// SYNOPSIS
//     Turns questions;
//     co_await questions.next(20);                   // twenty a second, however many ask for a turn at once
//
// DESCRIPTION
//     First come, first served. What is not used is not saved up: after a pause there is one turn at once, and the next
//     one a twentieth of a second later. Who is destroyed while waiting leaves the queue.
//
// OWNERSHIP
//     The object outlives those who wait.
#pragma once

#include "libcommon/base/clock.h"
#include "libcommon/event/sync.h"
#include "libcommon/event/task.h"

namespace umaya::named {

class Turns {
 public:
  /// co_await: until it is the caller's turn. each_second: as the configuration of now has it, at least 1.
  event::Task<void> next(uint32_t each_second);

 private:
  event::Semaphore first_{1};  // who has it waits for the time, all others for it
  TimePoint free_{};           // when the next turn is
};

/// A slot of a semaphore that is given back at the end of the scope.
class HeldSlot {
 public:
  /// The slot has been acquired.
  explicit HeldSlot(event::Semaphore& slots) : slots_(slots) {}
  HeldSlot(const HeldSlot&) = delete;
  HeldSlot& operator=(const HeldSlot&) = delete;
  ~HeldSlot() { slots_.release(); }

 private:
  event::Semaphore& slots_;
};

}  // namespace umaya::named
