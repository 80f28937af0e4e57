// NAME    index_pages - the index of an image, of which some pages become others
//
// DESCRIPTION
//     A change of an image (change_image.h) puts other nodes into a few buckets of its index. Only the pages that have
//     them are written anew, behind the image, and a new directory behind them: who has the image of before goes on
//     with its own pages.
//
// OWNERSHIP
//     The image of before, and the memory behind it, outlive the pages.
#pragma once

#include <cstdint>
#include <vector>

#include "named-lite/zone/image.h"

namespace umaya::named {

class IndexPages {
 public:
  /// New pages are written from `position` on, up to `limit`.
  IndexPages(const ZoneImage& before, char* base, size_t position, size_t limit);

  /// Puts `now` in the place of `former` among the nodes of this hash; 0: none. False when there is no room.
  bool exchange(uint64_t hash, uint32_t former, uint32_t now);
  /// Its offset; to be written last.
  uint32_t write_directory();
  size_t position() const { return at_; }
  /// Octets of the pages and the directory that are used no more.
  uint64_t garbage() const { return garbage_ + directory_.size() * 4; }

 private:
  Bucket* own(size_t number);

  const ZoneImage& before_;
  char* base_;
  size_t at_;
  size_t limit_;
  std::vector<uint32_t> directory_;
  std::vector<bool> is_new_;
  uint64_t garbage_ = 0;
};

}  // namespace umaya::named
