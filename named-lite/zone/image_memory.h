// NAME    image_memory - the octets that an image lies in
//
// SYNOPSIS
//     auto memory = ImageMemory::create(capacity);       // to write an image into
//     auto seen = ImageMemory::map(fd, offset, size);    // to read one that another process wrote
//
// DESCRIPTION
//     Small images lie in memory of this process. Large ones lie in a memfd that neither shrinks nor can be written by
//     others, so that other processes map the very same pages. Behind an image there may be room for later versions of
//     it, which share its octets (change_image.h): claim() gives that room to one writer only.
//
// OWNERSHIP
//     Shared by all versions of a zone that lie in it. Frees its memory, closes its descriptor.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string_view>

#include "libcommon/base/fd.h"
#include "libcommon/base/result.h"

namespace umaya::named {

class ImageMemory {
 public:
  /// From this size on an image lies in a memfd.
  static constexpr size_t kLarge = 1 << 20;

  /// Zeroed octets that can be written. Pages that are never touched cost nothing.
  static std::shared_ptr<ImageMemory> create(size_t capacity);
  /// Octets of a file, read only. offset: a multiple of 64. Whoever can shorten the file can end this process with
  /// SIGBUS: only sealed memfds and files that this process keeps should be mapped.
  static Result<std::shared_ptr<ImageMemory>> map(int fd, uint64_t offset, size_t size);

  /// Octets of something that many images lie in, and that lives as long as any of them. data: at a multiple of 64.
  static std::shared_ptr<const ImageMemory> borrow(std::shared_ptr<const void> owner, const char* data, size_t size);

  ImageMemory(const ImageMemory&) = delete;
  ImageMemory& operator=(const ImageMemory&) = delete;
  ~ImageMemory();

  const char* data() const { return data_; }
  size_t capacity() const { return capacity_; }
  /// nullptr when it may only be read.
  char* writable() const { return writable_ ? data_ : nullptr; }
  /// The memfd that others may map, with the octets from offset 0; -1 when there is none.
  int fd() const { return fd_.get(); }

  /// The room behind `end` becomes the caller's up to `to`; false when somebody has taken it already, or none is left.
  bool claim(size_t end, size_t to) const;
  /// After claim(): so much is taken indeed.
  void settle(size_t end) const { end_.store(end); }

 private:
  ImageMemory() = default;

  char* data_ = nullptr;
  size_t capacity_ = 0;
  void* mapping_ = nullptr;  // nullptr: data_ was allocated or borrowed
  size_t mapping_size_ = 0;
  bool writable_ = false;
  Fd fd_;
  std::shared_ptr<const void> owner_;  // of what is borrowed: a mapping that images share
  mutable std::atomic<size_t> end_ = 0;
};

}  // namespace umaya::named
