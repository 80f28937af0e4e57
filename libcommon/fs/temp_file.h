// NAME    temp_file - a file under a temporary name that goes away unless it is given a lasting one
//
// OWNERSHIP
//     Owns the descriptor and the temporary name; both end with the object. rename_to() and link_to() give the file a
//     lasting name (sync the file first, and the directory after).
#pragma once

#include <string>

#include "libcommon/base/fd.h"
#include "libcommon/base/result.h"

namespace umaya::fs {

class TempFile {
 public:
  /// A new file ".tmp.<random>" in the directory, open for reading and writing.
  static Result<TempFile> create(const std::string& directory, mode_t mode);
  TempFile(TempFile&& other) noexcept;
  TempFile& operator=(TempFile&& other) noexcept;
  ~TempFile();

  int fd() const { return fd_.get(); }
  const std::string& path() const { return path_; }
  /// Replaces what stands under that name; the temporary name is gone.
  Result<> rename_to(const std::string& path);
  /// Fails with EEXIST when the name is taken; the temporary name stays until the object goes.
  Result<> link_to(const std::string& path);

 private:
  TempFile(Fd fd, std::string path) : fd_(std::move(fd)), path_(std::move(path)) {}
  void discard();

  Fd fd_;
  std::string path_;  // empty: there is no temporary name any more
};

}  // namespace umaya::fs
