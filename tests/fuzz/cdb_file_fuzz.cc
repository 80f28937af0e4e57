// LINK umaya_table
// NAME    cdb_file_fuzz - a cdb file of any bytes answers or is found broken
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "libcommon/table/types.h"

using namespace umaya;

namespace {

/// A name that leads to this descriptor, with the ending that a cdb table has.
std::string link_to(int fd) {
  char directory[] = "/tmp/umaya-cdb-fuzz-XXXXXX";
  if (!mkdtemp(directory)) std::abort();
  std::string path = std::string(directory) + "/table";
  if (symlink(("/proc/self/fd/" + std::to_string(fd)).c_str(), (path + ".cdb").c_str()) != 0) std::abort();
  return path;
}

struct File {
  int fd = memfd_create("cdb", MFD_CLOEXEC);
  std::string path = link_to(fd);
  ~File() {
    unlink((path + ".cdb").c_str());
    rmdir(path.substr(0, path.rfind('/')).c_str());
  }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static File file;
  if (ftruncate(file.fd, 0) != 0 || pwrite(file.fd, data, size, 0) != static_cast<ssize_t>(size)) std::abort();
  auto opened = table::open_cdb({}, "cdb:" + file.path);
  if (!opened) return 0;
  for (std::string_view key : {"a", "root", "user@example.com", ""}) (void)(*opened)->lookup_now(key);
  size_t entries = 0;
  (void)(*opened)->for_each([&](std::string_view key, std::string_view) {
    if (++entries < 20) (void)(*opened)->lookup_now(key);
  });
  return 0;
}
