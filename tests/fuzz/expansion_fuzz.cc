// LINK umaya_config
// $name and ${…}: lines of the input are the values of a, b, c …; the first one is expanded.
#include <cstdint>
#include <string_view>
#include <vector>

#include "libcommon/config/expand.h"

using namespace umaya::config;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  std::vector<std::string_view> values;
  while (!text.empty()) {
    size_t end = std::min(text.find('\n'), text.size());
    values.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  if (values.empty()) return 0;
  auto look_up = [&](std::string_view name) -> std::optional<std::string> {
    size_t index = static_cast<size_t>(name.front() - 'a');
    return name.size() == 1 && index < values.size() ? std::optional(std::string(values[index])) : std::nullopt;
  };
  (void)expand(values[0], look_up);
  (void)names_in(values[0]);
  if (values.size() > 1) (void)compare_levels(values[0], values[1]);
  return 0;
}
