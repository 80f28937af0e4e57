// NAME    memory_file - bytes in a sealed memfd, and their mapping
//
// SYNOPSIS
//     UMAYA_TRY(Fd fd, sealed_file("images", size, [&](std::span<char> room) { … }));
//     UMAYA_TRY(MappingPtr mapping, Mapping::of(fd.get(), most));
//
// DESCRIPTION
//     A sealed memfd can neither shrink nor change, so that a process which maps one that another process sent cannot
//     be ended by SIGBUS, nor have what it checked be changed behind its back. Only its maker can add to one that is
//     sealed against F_SEAL_FUTURE_WRITE: the memory of a large zone, whose next versions come behind the first.
//
// ERRORS
//     of() refuses what is no sealed memfd or too large.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "libcommon/base/fd.h"
#include "libcommon/base/result.h"

namespace umaya::named {

/// A memfd of that size, filled and sealed.
Result<Fd> sealed_file(const char* name, size_t size, const std::function<void(std::span<char>)>& fill);
/// The same with these bytes.
Result<Fd> sealed_file(const char* name, std::string_view bytes);

class Mapping;
/// Shared: images of one file, in the catalogs of before and after a change, keep it mapped.
using MappingPtr = std::shared_ptr<const Mapping>;

/// A read-only mapping of a whole sealed file.
class Mapping {
 public:
  static Result<MappingPtr> of(int fd, size_t most);
  /// The same, also when the maker can still write.
  static Result<MappingPtr> of_growing(int fd, size_t most);
  /// Takes over what was mapped.
  Mapping(const char* base, size_t size) : base_(base), size_(size) {}
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;
  ~Mapping();
  std::string_view bytes() const { return {base_, size_}; }

 private:
  static Result<MappingPtr> map(int fd, size_t most);
  const char* base_;
  size_t size_;
};

}  // namespace umaya::named
