// LINK umaya_message
// NAME    bounce_template_fuzz - template files and the expansion of their texts
#include <cstdint>
#include <string_view>

#include "libcommon/message/bounce_template.h"

using namespace umaya;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view bytes(reinterpret_cast<const char*>(data), size);
  auto lookup = [](std::string_view name) -> std::optional<std::string> {
    if (name.size() % 3 == 0) return std::nullopt;
    return std::string(name.substr(0, 4)) + "5d";
  };
  if (auto all = message::parse_bounce_templates(bytes, "fuzz")) {
    (void)message::preview_bounce_templates(*all, lookup);
    (void)message::print_bounce_templates(*all);
  }
  message::BounceTemplate one;
  one.text = bytes;
  (void)message::expand_bounce_text(one, lookup);
  (void)message::qualify_bounce_from(bytes, "example.org");
  return 0;
}
