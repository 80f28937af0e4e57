#include "named-lite/update/merger.h"

#include <malloc.h>

#include "named-lite/zone/change_image.h"
#include "named-lite/zone/merge_changes.h"

namespace umaya::named {

/// What a batch of updates may need.
static constexpr size_t kLeastRoom = 1 << 20;

Result<ImagePtr> Merger::Work::finish() const {
  if (missed.empty()) return image;
  return apply_change(image, merge_changes(missed));
}

void Merger::changed(const ImagePtr& image, const ZoneChange& change) {
  bool in_place = source_ && source_->shared_memory() == image->shared_memory();
  if (source_ && !in_place) forget();  // the change has written it anew
  if (in_place) return missed_.push_back(change);
  if (!should_be_merged(*image)) return;
  source_ = image;
  written_.reset();
  task_.spawn(write(image));
}

event::Task<void> Merger::write(ImagePtr image) {
  auto work = [image] {
    ImagePtr fresh = merged(*image);
    malloc_trim(0);  // it took three times the memory that the image needs
    return fresh;
  };
  ImagePtr fresh = co_await pool_.run(std::move(work));
  if (source_ != image) co_return;
  fresh_ = std::move(fresh);
  written_.set();
  ready_();
}

void Merger::forget() {
  source_ = nullptr;
  fresh_ = nullptr;
  missed_.clear();
  written_.set();
}

Merger::Work Merger::take() {
  Work work{std::move(fresh_), std::move(missed_)};
  forget();
  return work;
}

event::Task<void> Merger::until_there_is_room(ImagePtr image) {
  bool has_room = image->memory().capacity() - image->bytes().size() >= kLeastRoom;
  if (!has_room && source_) co_await written_.wait();
}

}  // namespace umaya::named
