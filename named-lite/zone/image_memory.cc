#include "named-lite/zone/image_memory.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>
#include <new>

namespace umaya::named {

namespace {

constexpr size_t kAlignment = 64;

/// A memfd of this size with its mapping; nullptr when the system has none to give.
void* map_memfd(Fd& fd, size_t size) {
  fd.reset(memfd_create("zone", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!fd || ftruncate(fd.get(), static_cast<off_t>(size)) != 0) return nullptr;
  void* mapping = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd.get(), 0);
  if (mapping == MAP_FAILED) return nullptr;
  // This mapping stays the only one that can write.
  fcntl(fd.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_FUTURE_WRITE | F_SEAL_SEAL);
  return mapping;
}

}  // namespace

std::shared_ptr<ImageMemory> ImageMemory::create(size_t capacity) {
  std::shared_ptr<ImageMemory> memory(new ImageMemory);
  memory->capacity_ = capacity;
  memory->writable_ = true;
  if (capacity >= kLarge) {
    memory->mapping_ = map_memfd(memory->fd_, capacity);
    if (memory->mapping_ == nullptr) {
      memory->fd_.reset();
      void* mapping =
          mmap(nullptr, capacity, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
      if (mapping != MAP_FAILED) memory->mapping_ = mapping;
    }
    memory->mapping_size_ = capacity;
    memory->data_ = static_cast<char*>(memory->mapping_);
  }
  if (memory->data_ == nullptr) {
    memory->data_ = static_cast<char*>(::operator new(capacity, std::align_val_t(kAlignment)));
    std::memset(memory->data_, 0, capacity);
  }
  return memory;
}

Result<std::shared_ptr<ImageMemory>> ImageMemory::map(int fd, uint64_t offset, size_t size) {
  if (offset % kAlignment != 0 || size == 0) return permanent("an image begins at a multiple of 64");
  struct stat status {};
  if (fstat(fd, &status) != 0) return sys_error("fstat of an image");
  if (offset + size < size || offset + size > static_cast<uint64_t>(status.st_size)) {
    return permanent("the file is shorter than the image in it");
  }
  auto page = static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
  uint64_t from = offset - offset % page;
  std::shared_ptr<ImageMemory> memory(new ImageMemory);
  size_t mapping_size = static_cast<size_t>(offset - from) + size;
  void* mapping = mmap(nullptr, mapping_size, PROT_READ, MAP_SHARED, fd, static_cast<off_t>(from));
  if (mapping == MAP_FAILED) return sys_error("mmap of an image");
  memory->mapping_ = mapping;
  memory->mapping_size_ = mapping_size;
  memory->data_ = static_cast<char*>(mapping) + (offset - from);
  memory->capacity_ = size;
  return memory;
}

std::shared_ptr<const ImageMemory> ImageMemory::borrow(std::shared_ptr<const void> owner, const char* data,
                                                       size_t size) {
  std::shared_ptr<ImageMemory> memory(new ImageMemory);
  memory->owner_ = std::move(owner);
  memory->data_ = const_cast<char*>(data);  // writable() stays nullptr
  memory->capacity_ = size;
  return memory;
}

ImageMemory::~ImageMemory() {
  if (owner_) return;
  if (mapping_ != nullptr) {
    munmap(mapping_, mapping_size_);
  } else {
    ::operator delete(data_, std::align_val_t(kAlignment));
  }
}

bool ImageMemory::claim(size_t end, size_t to) const {
  if (!writable_ || to > capacity_ || to < end) return false;
  return end_.compare_exchange_strong(end, to);
}

}  // namespace umaya::named
