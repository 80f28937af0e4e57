#include "libcommon/fs/directory.h"

#include <fcntl.h>

#include "libcommon/base/fd.h"
#include "libcommon/fs/calls.h"

namespace umaya::fs {

Result<DirectoryReader> DirectoryReader::open(const std::string& path) {
  return open_at(AT_FDCWD, path);
}

Result<DirectoryReader> DirectoryReader::open_at(int directory, const std::string& path) {
  Fd fd(calls().openat(directory, path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0));
  if (!fd) return sys_error("open directory " + path);
  DIR* dir = ::fdopendir(fd.get());
  if (dir == nullptr) return sys_error("open directory " + path);
  [[maybe_unused]] int owned_by_dir = fd.release();
  return DirectoryReader(dir);
}

std::optional<DirectoryReader::Entry> DirectoryReader::next() {
  for (;;) {
    errno = 0;
    const dirent* entry = ::readdir(dir_.get());
    if (entry == nullptr) {
      if (errno != 0) error_ = sys_error("readdir");
      return std::nullopt;
    }
    std::string_view name = entry->d_name;
    if (name == "." || name == "..") continue;
    switch (entry->d_type) {
      case DT_REG:
        return Entry{name, EntryKind::plain};
      case DT_DIR:
        return Entry{name, EntryKind::directory};
      case DT_UNKNOWN:
        return Entry{name, EntryKind::unknown};
      default:
        return Entry{name, EntryKind::other};
    }
  }
}

}  // namespace umaya::fs
