// LINK postcat_core
// NAME    postcat_fuzz - a queue file of any bytes as postcat prints it
#include <cstdint>
#include <cstring>
#include <string_view>

#include "commands/postcat/render.h"

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
  using namespace umaya;
  std::string_view bytes(reinterpret_cast<const char*>(data), size);
  auto message = queue::MessageReader::open(std::make_unique<BytesSource>(bytes));
  if (!message) return 0;
  for (bool marks : {false, true}) {
    (void)postcat::render(*message, "incoming/X", {.types = marks, .offsets = marks}, [](std::string_view) {});
  }
  return 0;
}
