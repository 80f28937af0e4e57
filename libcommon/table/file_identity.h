// NAME    file_identity - what stat(2) says of a file, to see later whether it is still the same
#pragma once

#include <cstdint>
#include <string>

namespace umaya::table {

/// What stat says of a file at the time when a table read it.
class FileIdentity {
 public:
  FileIdentity() = default;
  static FileIdentity of(const std::string& path);
  bool operator==(const FileIdentity&) const = default;

 private:
  uint64_t device_ = 0, inode_ = 0, size_ = 0;
  int64_t modified_sec_ = 0, modified_nsec_ = 0;
};

}  // namespace umaya::table
