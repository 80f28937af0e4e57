// LINK umaya_mailbox
#include <cstdint>
#include <cstdlib>

#include "libcommon/mailbox/alias_value.h"

using namespace umaya::mailbox;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  auto parsed = parse_alias_lines(text, {.targets = 1000, .target_length = 256});
  if (!parsed) return 0;
  if (parsed->size() > 1000) abort();
  for (const AliasTarget& target : *parsed) {
    if (target.text.empty() || target.text.size() > 256) abort();
  }
  return 0;
}
