// NAME    source_file - the files that a zone is read from, and whether they are still the same
//
// SYNOPSIS
//     SourceFiles read;
//     Result<std::string> text = read_source(path, &read);
//     …
//     if (std::ranges::all_of(read, is_unchanged)) … what was made from them still holds
//
// LIMITS  2 GiB a file; regular files only.
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "libcommon/base/result.h"

namespace umaya::named {

/// A file as it was when it was read.
struct SourceFile {
  std::string path;
  uint64_t device = 0;
  uint64_t inode = 0;
  uint64_t size = 0;
  int64_t modified = 0;  ///< nanoseconds since 1970
  int64_t changed = 0;   ///< of the status: what a tool that sets `modified` cannot set
  bool steady = true;    ///< nobody wrote while it was read
  int64_t born = 0;      ///< when the file was made; 0: the file system does not tell

  bool operator==(const SourceFile&) const = default;
};
using SourceFiles = std::vector<SourceFile>;

/// Gives the text of a file named in $INCLUDE.
using OpenFile = std::function<Result<std::string>(std::string_view path)>;

inline constexpr size_t kMostZoneText = size_t{2} << 30;

/// The text of a zone file. read: where to note it down, or nullptr.
Result<std::string> read_source(const std::string& path, SourceFiles* read);
/// Opens regular files beneath directory only: neither "..", nor links that lead out, nor devices and pipes. read:
/// where to note them down, or nullptr; it must outlive the function.
OpenFile open_beneath(std::string directory, SourceFiles* read = nullptr);

/// The file has not been touched since.
bool is_unchanged(const SourceFile& file);
/// The very same file with as many octets, though its times may be others: for files that are replaced as a whole when
/// something else is to be in them. A file that came later is another one even when it has got the number of this one.
bool is_same_file(const SourceFile& file);
/// What is known of an open file, `steady` as given.
SourceFile describe_source(std::string path, const struct stat& status, bool steady);

}  // namespace umaya::named
