// NAME    directory - reading the names in a directory piece by piece
//
// SYNOPSIS
//     UMAYA_TRY(fs::DirectoryReader reader, fs::DirectoryReader::open("deferred"));
//     while (auto entry = reader.next()) use(entry->name);
//
// DESCRIPTION
//     Reads as it goes, so that a directory of a million names costs no memory. "." and ".." are left out. Names that
//     are added or removed meanwhile may or may not be seen.
//
// OWNERSHIP
//     Entry::name is valid until the next call.
#pragma once

#include <dirent.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "libcommon/base/result.h"

namespace umaya::fs {

enum class EntryKind : unsigned char { plain, directory, other, unknown };

class DirectoryReader {
 public:
  struct Entry {
    std::string_view name;
    EntryKind kind;  ///< unknown: the file system does not say
  };

  static Result<DirectoryReader> open(const std::string& path);
  /// The directory of this name in an open one.
  static Result<DirectoryReader> open_at(int directory, const std::string& name);
  /// The next name; nothing at the end, or after an error (which error() then tells).
  std::optional<Entry> next();
  const Result<>& error() const { return error_; }
  /// Of the directory; it stays the reader's.
  int fd() const { return ::dirfd(dir_.get()); }

 private:
  struct Closer {
    void operator()(DIR* dir) const { ::closedir(dir); }
  };
  explicit DirectoryReader(DIR* dir) : dir_(dir) {}

  std::unique_ptr<DIR, Closer> dir_;
  Result<> error_;
};

}  // namespace umaya::fs
