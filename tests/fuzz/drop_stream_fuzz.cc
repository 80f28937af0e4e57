// LINK umaya_services
// NAME    drop_stream_fuzz - the stream that postdrop reads from anybody, whole and in pieces
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "libcommon/services/postdrop.h"

using namespace umaya;

namespace {
struct Count : services::postdrop::StreamEvents {
  Result<> on_start(services::postdrop::Start) override { return {}; }
  Result<> on_recipient(services::Recipient r) override {
    if (!services::postdrop::is_clean(r.address)) std::abort();
    ++recipients;
    return {};
  }
  Result<> on_content(std::string_view bytes) override {
    content += bytes.size();
    return {};
  }
  size_t recipients = 0, content = 0;
};
}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view bytes(reinterpret_cast<const char*>(data), size);
  Count whole, pieces;
  services::postdrop::StreamReader one(whole), many(pieces);
  bool ok = one.feed(bytes).has_value();
  bool pieces_ok = true;
  for (size_t at = 0; at < size && pieces_ok; at += 3) pieces_ok = many.feed(bytes.substr(at, 3)).has_value();
  if (ok != pieces_ok || (ok && (whole.recipients != pieces.recipients || whole.content != pieces.content)))
    std::abort();
  (void)services::postdrop::decode_receipt(bytes);
  return 0;
}
