// LINK umaya_queue
// A queue file of any bytes is read to its end or refused.
#include <cstdint>
#include <cstring>

#include "libcommon/queue/drop_origin.h"
#include "libcommon/queue/message_file.h"
#include "libcommon/queue/message_format.h"
#include "libcommon/queue/queue_id.h"

namespace {

class BytesSource final : public umaya::queue::ByteSource {
 public:
  explicit BytesSource(std::string_view bytes) : bytes_(bytes) {}
  umaya::Result<uint64_t> size() override { return bytes_.size(); }
  umaya::Result<size_t> read_at(std::span<char> buffer, uint64_t offset) override {
    if (offset >= bytes_.size()) return size_t{0};
    size_t n = std::min(buffer.size(), bytes_.size() - static_cast<size_t>(offset));
    std::memcpy(buffer.data(), bytes_.data() + offset, n);
    return n;
  }

 private:
  std::string_view bytes_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace umaya::queue;
  std::string_view bytes(reinterpret_cast<const char*>(data), size);
  // The parts behind checksums are reached directly as well.
  (void)format::decode_attributes(bytes);
  if (auto origin = DropOrigin::parse(bytes)) {
    if (!valid_id(origin->name) || DropOrigin::parse(origin->text()) != origin) __builtin_trap();
  }
  (void)format::decode_tail_head(bytes);
  (void)format::recipients_checksum(bytes);
  for (std::string_view rest = bytes, record; !(record = format::next_recipient(rest)).empty();) {
    (void)format::decode_recipient(record);
    rest.remove_prefix(record.size());
  }
  auto reader = MessageReader::open(std::make_unique<BytesSource>(bytes));
  if (!reader) return 0;
  RecipientCursor cursor;
  for (auto some = reader->read_recipients(cursor, 3); some && !some->empty();)
    some = reader->read_recipients(cursor, 3);
  char buffer[512];
  for (uint64_t at = 0;;) {
    auto got = reader->read_content(buffer, at);
    if (!got || *got == 0) break;
    at += *got;
  }
  return 0;
}
