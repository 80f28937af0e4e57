#include "libcommon/mailbox/mbox/mbox_rewrite.h"

#include <algorithm>

#include "libcommon/fs/file.h"

namespace umaya::mailbox {

namespace {

constexpr size_t kBlock = 256 * 1024;

/// Copies within the file; a target before its source may overlap it.
Result<void> copy_within(int fd, uint64_t from, uint64_t to, uint64_t size) {
  std::string block(std::min<uint64_t>(size, kBlock), '\0');
  while (size > 0) {
    auto part = std::span(block).first(std::min<uint64_t>(size, block.size()));
    UMAYA_TRY(size_t n, fs::read_at(fd, part, from));
    if (n != part.size()) return temporary("the mailbox has become shorter");
    UMAYA_CHECK(fs::write_all_at(fd, {part.data(), n}, to));
    from += n;
    to += n;
    size -= n;
  }
  return {};
}

Result<void> write_pieces(int fd, uint64_t to, const std::vector<MboxPiece>& pieces) {
  for (const MboxPiece& piece : pieces) {
    UMAYA_CHECK(fs::write_all_at(fd, piece.text, to));
    UMAYA_CHECK(copy_within(fd, piece.offset, to + piece.text.size(), piece.size));
    to += piece.text.size() + piece.size;
  }
  return fs::sync(fd);
}

Result<void> cut(int fd, uint64_t size) {
  UMAYA_CHECK(fs::truncate(fd, size));
  return fs::sync(fd);
}

/// Without a copy, each piece to its place; none gets longer than it was.
Result<void> move_forward(int fd, uint64_t to, const std::vector<MboxPiece>& pieces) {
  for (const MboxPiece& piece : pieces) {
    UMAYA_CHECK(fs::write_all_at(fd, piece.instead, to));
    to += piece.instead.size();
    UMAYA_CHECK(copy_within(fd, piece.offset, to, piece.size));
    to += piece.size;
  }
  UMAYA_CHECK(fs::sync(fd));
  return cut(fd, to);
}

bool is_no_room(const Error& error) {
  return error.sys_errno == ENOSPC || error.sys_errno == EDQUOT || error.sys_errno == EFBIG;
}

}  // namespace

Result<void> replace_tail(int fd, uint64_t begin, uint64_t end, const std::vector<MboxPiece>& pieces) {
  uint64_t length = 0;
  for (const MboxPiece& piece : pieces) length += piece.text.size() + piece.size;
  if (length == 0) return cut(fd, begin);
  if (auto copied = write_pieces(fd, end, pieces); !copied) {
    UMAYA_CHECK(cut(fd, end));
    if (!is_no_room(copied.error())) return copied;
    return move_forward(fd, begin, pieces);
  }
  // What would overwrite the copy comes only after the part that it overwrites is safe.
  uint64_t first = std::min(length, end - begin);
  UMAYA_CHECK(copy_within(fd, end, begin, first));
  UMAYA_CHECK(fs::sync(fd));
  if (first < length) {
    UMAYA_CHECK(copy_within(fd, end + first, begin + first, length - first));
    UMAYA_CHECK(fs::sync(fd));
  }
  return cut(fd, begin + length);
}

}  // namespace umaya::mailbox
