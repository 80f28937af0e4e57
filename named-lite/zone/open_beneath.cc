#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "libcommon/base/fd.h"
#include "named-lite/zone/zone_text.h"

namespace umaya::named {

namespace {

Result<std::string> read_beneath(const std::string& directory, std::string_view asked) {
  std::string path(asked);
  // Written in full but beneath the directory: the same file.
  if (path.starts_with(directory + "/")) path.erase(0, directory.size() + 1);
  Fd root(open(directory.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!root) return sys_error("open " + directory);
  open_how how{};
  how.flags = O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
  Fd file(static_cast<int>(syscall(SYS_openat2, root.get(), path.c_str(), &how, sizeof how)));
  if (!file && errno == EXDEV) return permanent(path + " is outside the directory " + directory);
  if (!file) return sys_error(path);
  struct stat status {};
  if (fstat(file.get(), &status) != 0) return sys_error(path);
  if (!S_ISREG(status.st_mode)) return permanent(path + " is not a regular file");
  if (static_cast<uint64_t>(status.st_size) > kMostZoneText) return permanent(path + " is larger than 2 GiB");
  std::string text(static_cast<size_t>(status.st_size), '\0');
  size_t got = 0;
  while (got < text.size()) {
    ssize_t n = read(file.get(), text.data() + got, text.size() - got);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return sys_error(path);
    if (n == 0) break;
    got += static_cast<size_t>(n);
  }
  text.resize(got);
  return text;
}

}  // namespace

OpenFile open_beneath(std::string directory) {
  while (directory.size() > 1 && directory.ends_with('/')) directory.pop_back();
  return [directory = std::move(directory)](std::string_view path) { return read_beneath(directory, path); };
}

}  // namespace umaya::named
