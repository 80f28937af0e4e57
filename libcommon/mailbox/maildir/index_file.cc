#include "libcommon/mailbox/maildir/index_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libcommon/fs/file.h"

namespace umaya::mailbox {

namespace {

/// A file that somebody put in the place of the index must hold nobody up.
constexpr int kOpenFlags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;

}  // namespace

IndexFile IndexFile::open(const MaildirFolder& folder) {
  IndexFile file;
  file.fd_.reset(::openat(folder.root(), kIndexName, kOpenFlags));
  file.read_header(fs::read_at);
  return file;
}

IndexFile IndexFile::open_from_memory(const MaildirFolder& folder) {
  IndexFile file;
  auto fd = fs::open_cached(folder.root(), kIndexName, kOpenFlags);
  if (!fd) return file;
  file.fd_ = std::move(*fd);
  file.read_header(fs::read_at_cached);
  return file;
}

void IndexFile::read_header(ReadAt read_at) {
  struct stat status;
  if (!fd_ || ::fstat(fd_.get(), &status) != 0 || !S_ISREG(status.st_mode)) return;
  char begin[kIndexHeaderSize];
  auto size = read_at(fd_.get(), std::span<char>(begin), 0);
  if (size) header_ = decode_index_header(std::string_view(begin, *size), static_cast<uint64_t>(status.st_size));
}

std::optional<MailIndex> IndexFile::load() const {
  if (!header_) return std::nullopt;
  std::vector<MailRecord> records(header_->count);
  std::string heap;
  heap.resize_and_overwrite(header_->heap_size, [](char*, size_t size) { return size; });
  std::span<char> as_bytes(reinterpret_cast<char*>(records.data()), records.size() * sizeof(MailRecord));
  auto first = fs::read_at(fd_.get(), as_bytes, kIndexHeaderSize);
  auto second = fs::read_at(fd_.get(), heap, kIndexHeaderSize + as_bytes.size());
  if (!first || !second || *first != as_bytes.size() || *second != heap.size()) return std::nullopt;
  return decode_index_body(*header_, std::move(records), std::move(heap));
}

Result<void> write_index(const MaildirFolder& folder, MailIndex& index) {
  return folder.replace(kIndexName, encode_index(index), MaildirFolder::Durable::no);
}

}  // namespace umaya::mailbox
