// NAME    merger - writes a zone anew while it goes on changing
//
// SYNOPSIS
//     Merger merger(pool, [..] { … wake the task of the zone … });
//     merger.changed(image, change);                               // after each change of the zone
//     if (merger.is_ready()) { Merger::Work work = merger.take(); image = work.finish(); … }
//
// DESCRIPTION
//     A large zone that is changed in place (zone/change_image.h) leaves more and more octets behind that nobody needs.
//     When it is time, a thread writes it anew; what changed meanwhile is kept and put into the new image when that is
//     there. Questions are answered from the old one until then, and updates go on; they wait only when the room behind
//     the old one comes to its end first.
//
// OWNERSHIP
//     The pool outlives the merger and should have a thread for nothing else.
//
// LIMITS  One zone is written anew at a time for each thread of the pool.
#pragma once

#include <functional>
#include <vector>

#include "libcommon/event/sync.h"
#include "libcommon/event/worker_pool.h"
#include "named-lite/zone/changes.h"
#include "named-lite/zone/image.h"

namespace umaya::named {

class Merger {
 public:
  /// A new image, and what it lacks.
  struct Work {
    ImagePtr image;
    std::vector<ZoneChange> missed;
    /// The zone as it is now; an error when the changes do not fit, and the old image has to stay.
    Result<ImagePtr> finish() const;
  };

  Merger(event::WorkerPool& pool, std::function<void()> ready) : pool_(pool), ready_(std::move(ready)) {}
  Merger(const Merger&) = delete;
  Merger& operator=(const Merger&) = delete;
  ~Merger() = default;

  /// This change has led to this image.
  void changed(const ImagePtr& image, const ZoneChange& change);
  /// The zone has come from elsewhere: what is under way is of no use any more.
  void forget();
  bool is_ready() const { return fresh_ != nullptr; }
  Work take();
  /// Waits when the image has no room for a change, but a new one is under way.
  event::Task<void> until_there_is_room(ImagePtr image);

 private:
  event::Task<void> write(ImagePtr image);

  event::WorkerPool& pool_;
  std::function<void()> ready_;
  ImagePtr source_;  // what is written anew; null: nothing is
  ImagePtr fresh_;
  std::vector<ZoneChange> missed_;
  event::Event written_;
  event::TaskScope task_;  // last: what it runs uses the rest
};

}  // namespace umaya::named
