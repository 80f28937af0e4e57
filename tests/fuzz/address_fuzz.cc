// LINK umaya_message
// NAME    address_fuzz - envelope paths, and their external form back
#include <cstdint>
#include <string_view>

#include "libcommon/message/address.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace umaya::message;
  std::string_view in(reinterpret_cast<const char*>(data), size);
  (void)canonical_domain(in.substr(0, 300));
  auto path = parse_path(in, {.smtputf8 = true});
  (void)parse_path(in, {.smtputf8 = false, .strict = true});
  if (!path || path->address.empty()) return 0;
  auto again = parse_path("<" + to_external(path->address) + ">", {.smtputf8 = true});
  if (again ? again->address != path->address : again.error() != PathError::too_long) __builtin_trap();
  return 0;
}
