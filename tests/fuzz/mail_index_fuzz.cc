// LINK umaya_mailbox
// NAME    mail_index_fuzz - the index of a Maildir, also with checksums that are made right
#include <cstdint>
#include <cstdlib>
#include <cstring>

#include "libcommon/base/checksum.h"
#include "libcommon/base/strings.h"
#include "libcommon/mailbox/maildir/mail_index.h"

using namespace umaya;
using namespace umaya::mailbox;

namespace {

void put(std::string& file, size_t at, uint32_t value) {
  std::memcpy(file.data() + at, &value, sizeof value);
}

uint32_t get(const std::string& file, size_t at) {
  uint32_t value;
  std::memcpy(&value, file.data() + at, sizeof value);
  return value;
}

/// Offsets as in docs/maildir-index.md.
void repair(std::string& file) {
  if (file.size() < kIndexHeaderSize) return;
  std::memcpy(file.data(), "UMAYAMI1", 8);
  uint64_t body = file.size() - kIndexHeaderSize;
  uint64_t count = std::min<uint64_t>(get(file, 32), body / sizeof(MailRecord));
  uint64_t heap = body - count * sizeof(MailRecord);
  put(file, 12, 1);
  put(file, 16, kIndexHeaderSize);
  put(file, 20, sizeof(MailRecord));
  put(file, 32, static_cast<uint32_t>(count));
  std::memcpy(file.data() + 48, &heap, sizeof heap);
  std::string_view all(file);
  put(file, 56, crc32c(all.substr(kIndexHeaderSize, count * sizeof(MailRecord))));
  put(file, 60, crc32c(all.substr(kIndexHeaderSize + count * sizeof(MailRecord))));
  put(file, 8, crc32c(all.substr(12, kIndexHeaderSize - 12)));
}

void use(const MailIndex& index) {
  uint64_t total = 0;
  for (size_t i = 0; i < index.records.size(); ++i) {
    std::string_view name = index.name(i), id = index.unique_id(i);
    if (name.empty() || name.size() > 255 || name.find_first_of(std::string_view("/\0", 2)) != name.npos) std::abort();
    if (name[0] == '.' || id.empty() || id.size() > 70) std::abort();
    for (char c : id) {
      if (!ascii_print(c) || c == ' ') std::abort();
    }
    if (index.records[i].wire_size != kUnknownSize) total += index.records[i].wire_size;
  }
  if (total != index.header.total_size || index.header.count != index.records.size()) std::abort();
  MailIndex copy = index;
  std::string again = encode_index(copy);
  auto second = decode_index(again);
  if (!second || !second->same_as(index)) std::abort();
}

}  // namespace

// Input: a byte that says whether checksums are put right, then the file.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  std::string file(reinterpret_cast<const char*>(data) + 1, size - 1);
  if ((data[0] & 1) != 0) repair(file);
  if (auto index = decode_index(file)) use(*index);
  return 0;
}
