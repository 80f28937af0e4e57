// NAME    fair_queue - who may have a slow password checked next
//
// SYNOPSIS
//     FairQueue queue({.slots = 2});
//     FairQueue::Place place;
//     bool in = co_await queue.enter(&place, address, user, Standing::stranger);
//     if (!in) temporary trouble;
//     … the slow work …                                     // the place is given back when it goes
//
// DESCRIPTION
//     Hashes take milliseconds on purpose; a flood of log-ins must not keep others out. Each client address has a lane
//     of its own and lanes take turns, so that an address with a thousand log-ins waits for itself and not others for
//     it. Lanes of clients that have logged in before (Standing::known) go first; one turn in four is a stranger's all
//     the same. An address, and a name asked for by strangers, may have only so many waiting.
//
// OWNERSHIP
//     The queue outlives its places. A waiter that is destroyed leaves its lane.
//
// LIMITS
//     Options; who does not get a place gets "no" at once, or when the time is over.
#pragma once

#include <deque>
#include <list>
#include <map>
#include <string>

#include "libcommon/base/clock.h"
#include "libcommon/base/strings.h"
#include "libcommon/event/sync.h"
#include "libcommon/event/task.h"

namespace umaya::authd {

enum class Standing : uint8_t { stranger, known };

struct FairQueueOptions {
  size_t slots = 1;
  size_t most_waiting = 1000;
  size_t most_of_address = 200;
  size_t most_of_user = 50;
  Duration limit = std::chrono::seconds(20);
};

class FairQueue {
 public:
  explicit FairQueue(FairQueueOptions options) : options_(options) {}
  FairQueue(const FairQueue&) = delete;
  FairQueue& operator=(const FairQueue&) = delete;

  /// A slot; empty until enter() has filled it.
  class Place {
   public:
    Place() = default;
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;
    ~Place() { leave(); }
    void leave();

   private:
    friend class FairQueue;
    FairQueue* queue_ = nullptr;
  };

  /// co_await: true with a slot in place, false when there are too many, or the time is over.
  event::Task<bool> enter(Place* place, std::string address, std::string user, Standing standing);
  size_t waiting() const { return waiting_; }

 private:
  struct Waiter;
  struct Lane {
    std::string address;
    std::deque<Waiter*> waiters;
  };
  using Lanes = std::list<Lane>;

  Lanes& lanes_of(Standing standing) { return standing == Standing::known ? known_ : strangers_; }
  bool is_full(const std::string& address, const std::string& user, Standing standing);
  void join(Waiter* waiter);
  void remove(Waiter* waiter);
  void give_back();
  Waiter* next();

  FairQueueOptions options_;
  size_t busy_ = 0;
  size_t waiting_ = 0;
  unsigned turn_ = 0;
  Lanes known_, strangers_;
  std::map<std::pair<Standing, std::string>, Lanes::iterator> index_;
  StringMap<size_t> of_user_;  // strangers that wait, by the name they ask for
};

}  // namespace umaya::authd
