// LINK named-lite_core
// NAME    named_feed_fuzz - any feed of zones is refused or becomes a snapshot whose zones can be found
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "named-lite/feed/receiver.h"

using namespace umaya;
using namespace umaya::named;

namespace {

std::string_view piece(std::string_view& rest) {
  if (rest.size() < 2) return rest = {};
  size_t size = static_cast<size_t>(static_cast<unsigned char>(rest[0])) << 8 | static_cast<unsigned char>(rest[1]);
  std::string_view bytes = rest.substr(2, size);
  rest.remove_prefix(std::min(rest.size(), 2 + size));
  return bytes;
}

}  // namespace

/// Input: pairs of a message and the content of the file that comes with it (empty: none), each with its length in two
/// octets before it.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  FeedReceiver receiver;
  for (int messages = 0; !rest.empty() && messages < 32; ++messages) {
    std::string_view message = piece(rest);
    std::string_view content = piece(rest);
    std::vector<Fd> fds;
    if (!content.empty()) fds.push_back(std::move(*sealed_file("fuzz", content)));
    if (!receiver.take(message, std::move(fds))) break;
  }
  if (!receiver.snapshot()) return 0;
  for (const auto& view : receiver.snapshot()->views) {
    for (const auto& zone : view->catalog.zones()) {
      if (!view->catalog.contains(zone->name)) std::abort();
    }
  }
  return 0;
}
