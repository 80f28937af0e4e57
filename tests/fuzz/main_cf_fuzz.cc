// LINK umaya_config
// main.cf as text: parsing gives settings or an error, and what was parsed reads back the same.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "libcommon/config/expand.h"
#include "libcommon/config/main_cf.h"
#include "libcommon/config/params.h"
#include "libcommon/config/values.h"

using namespace umaya;
using namespace umaya::config;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  auto file = MainCf::parse({reinterpret_cast<const char*>(data), size}, "main.cf");
  if (!file) return 0;
  std::string again;
  for (const Setting& setting : file->settings) again += setting.name + " = " + setting.value + "\n";
  auto second = MainCf::parse(again, "main.cf");
  if (!second || second->settings.size() != file->settings.size()) abort();
  for (const Setting& setting : file->settings) {
    auto look_up = [&](std::string_view name) -> std::optional<std::string> {
      const Setting* found = file->find(name);
      return found ? std::optional(found->value) : std::nullopt;
    };
    auto value = expand(setting.value, look_up);
    const Param* row = find_any_param(setting.name);
    if (value && row) (void)check_value(*row, *value);
  }
  return 0;
}
