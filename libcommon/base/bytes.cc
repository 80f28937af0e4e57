#include "libcommon/base/bytes.h"

#include <algorithm>

namespace umaya {

std::span<char> Buffer::reserve(size_t n) {
  if (capacity_ - end_ < n) {
    size_t used = size();
    if (begin_ > 0 && capacity_ - used >= n && begin_ >= used) {
      std::memcpy(data_.get(), data_.get() + begin_, used);
    } else {
      size_t capacity = std::max({capacity_ * 2, used + n, size_t{512}});
      auto grown = std::make_unique_for_overwrite<char[]>(capacity);
      if (used > 0) std::memcpy(grown.get(), data_.get() + begin_, used);
      data_ = std::move(grown);
      capacity_ = capacity;
    }
    begin_ = 0;
    end_ = used;
  }
  return {data_.get() + end_, capacity_ - end_};
}

void Buffer::clear() {
  begin_ = end_ = 0;
  if (capacity_ > kKeep) release();
}

}  // namespace umaya
