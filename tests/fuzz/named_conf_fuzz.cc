// LINK named-lite_core
// NAME    named_conf_fuzz - any configuration text is read without harm
#include <cstdint>
#include <string_view>

#include "named-lite/config/named_conf.h"

using namespace umaya::named;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  Problems problems;
  OpenFile included = [](std::string_view) -> umaya::Result<std::string> {
    return std::string("zone \"i\" { type primary; file \"f\"; };");
  };
  parse_named_conf(text, "c", included, problems);
  for (const Problem& problem : problems.all()) (void)problem.text();
  return 0;
}
