// LINK umaya_mailbox
#include <cstdint>
#include <cstdlib>

#include "libcommon/mailbox/alias_value.h"

using namespace umaya::mailbox;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  auto value = parse_alias_value(text, {});
  if (!value) return 0;
  for (const AliasTarget& target : *value) {
    if (target.text.empty()) abort();
    bool path = target.kind == TargetKind::file || target.kind == TargetKind::include;
    if (path && target.text[0] != '/') abort();
  }
  return 0;
}
