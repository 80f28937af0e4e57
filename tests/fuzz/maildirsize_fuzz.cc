// LINK umaya_mailbox
// NAME    maildirsize_fuzz - the quota file of Maildir++, and the limits that tables give
#include <cstdint>
#include <cstdlib>

#include "libcommon/mailbox/maildirsize.h"

using namespace umaya::mailbox;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  if (auto value = parse_quota_value(text)) {
    auto again = parse_quota_value(*value == QuotaLimits{} ? "0" : print_quota_limits(*value));
    if (!again || *again != *value) std::abort();
  }
  auto file = parse_maildirsize(text);
  if (!file) return 0;
  if (file->bytes < 0 || file->messages < 0 || file->lines == 0) std::abort();
  auto limits = parse_quota_limits(print_quota_limits(file->limits));
  if (!limits || *limits != file->limits) std::abort();
  return 0;
}
