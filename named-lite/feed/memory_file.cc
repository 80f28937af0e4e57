#include "named-lite/feed/memory_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

namespace umaya::named {

namespace {

constexpr int kSeals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
constexpr int kGrowingSeals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_FUTURE_WRITE;

bool has_seals(int fd, int seals) {
  int found = fcntl(fd, F_GET_SEALS);
  return found >= 0 && (found & seals) == seals;
}

}  // namespace

Result<Fd> sealed_file(const char* name, size_t size, const std::function<void(std::span<char>)>& fill) {
  Fd fd(memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!fd) return sys_error("memfd_create");
  // Allocated now: a full memory is an error here instead of SIGBUS at the first write.
  if (size > 0 && fallocate(fd.get(), 0, 0, static_cast<off_t>(size)) != 0) return sys_error("memory for zones");
  if (size > 0) {
    void* base = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd.get(), 0);
    if (base == MAP_FAILED) return sys_error("mmap");
    fill({static_cast<char*>(base), size});
    munmap(base, size);
  }
  if (fcntl(fd.get(), F_ADD_SEALS, kSeals | F_SEAL_SEAL) != 0) return sys_error("seal memory");
  return fd;
}

Result<Fd> sealed_file(const char* name, std::string_view bytes) {
  return sealed_file(name, bytes.size(), [&](std::span<char> room) { bytes.copy(room.data(), bytes.size()); });
}

Result<MappingPtr> Mapping::of(int fd, size_t most) {
  if (!has_seals(fd, kSeals)) return permanent("the memory is not sealed");
  return map(fd, most);
}

Result<MappingPtr> Mapping::of_growing(int fd, size_t most) {
  if (!has_seals(fd, kSeals) && !has_seals(fd, kGrowingSeals)) return permanent("the memory is not sealed");
  return map(fd, most);
}

Result<MappingPtr> Mapping::map(int fd, size_t most) {
  struct stat info;
  if (fstat(fd, &info) != 0) return sys_error("fstat");
  auto size = static_cast<size_t>(info.st_size);
  if (size == 0 || size > most) return permanent("the memory has the wrong size");
  void* base = mmap(nullptr, size, PROT_READ, MAP_SHARED, fd, 0);
  if (base == MAP_FAILED) return sys_error("mmap");
  return std::make_shared<const Mapping>(static_cast<const char*>(base), size);
}

Mapping::~Mapping() {
  munmap(const_cast<char*>(base_), size_);
}

}  // namespace umaya::named
