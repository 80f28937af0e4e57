#include "named-lite/zone/index_pages.h"

#include <algorithm>
#include <cstring>

#include "named-lite/zone/image_writer.h"

namespace umaya::named {

IndexPages::IndexPages(const ZoneImage& before, char* base, size_t position, size_t limit)
    : before_(before), base_(base), at_(position), limit_(limit) {
  size_t pages = (before.header().bucket_count + ZoneImage::kPageBuckets - 1) / ZoneImage::kPageBuckets;
  directory_.resize(pages);
  std::memcpy(directory_.data(), before.bytes().data() + before.header().directory, pages * 4);
  is_new_.assign(pages, false);
}

/// A bucket in a page that may be written; nullptr when there is no room for one.
Bucket* IndexPages::own(size_t number) {
  size_t page = number / ZoneImage::kPageBuckets;
  if (!is_new_[page]) {
    size_t first = page * ZoneImage::kPageBuckets;
    size_t size = std::min(ZoneImage::kPageBuckets, before_.header().bucket_count - first) * sizeof(Bucket);
    size_t start = (at_ + sizeof(Bucket) - 1) / sizeof(Bucket) * sizeof(Bucket);
    if (start + size > limit_) return nullptr;
    std::memcpy(base_ + start, base_ + directory_[page], size);
    directory_[page] = static_cast<uint32_t>(start);
    is_new_[page] = true;
    at_ = start + size;
    garbage_ += size;
  }
  return reinterpret_cast<Bucket*>(base_ + directory_[page]) + number % ZoneImage::kPageBuckets;
}

bool IndexPages::exchange(uint64_t hash, uint32_t former, uint32_t now) {
  if (former == 0 && now == 0) return true;
  size_t number = before_.home(hash);
  for (size_t seen = 0; seen < before_.header().bucket_count; ++seen) {
    Bucket* here = own(number);
    if (here == nullptr) return false;
    if (former == 0) {
      if (ImageWriter::enter(*here, ZoneImage::tag(hash), now)) return true;
    } else {
      for (size_t slot = 0; slot < Bucket::kSlots; ++slot) {
        if (here->tags[slot] == 0 || here->nodes[slot] != former) continue;
        here->nodes[slot] = now;
        if (now == 0) here->tags[slot] = 0;
        return true;
      }
    }
    if (++number == before_.header().bucket_count) number = 0;
  }
  return false;
}

uint32_t IndexPages::write_directory() {
  at_ = (at_ + 3) / 4 * 4;
  auto start = static_cast<uint32_t>(at_);
  std::memcpy(base_ + at_, directory_.data(), directory_.size() * 4);
  at_ += directory_.size() * 4;
  return start;
}

}  // namespace umaya::named
