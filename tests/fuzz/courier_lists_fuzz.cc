// LINK umaya_mailbox
// NAME    courier_lists_fuzz - the unique ids in courierpop3dsizelist
#include <cstdint>
#include <cstdlib>

#include "libcommon/mailbox/maildir/courier_lists.h"
#include "libcommon/mailbox/maildir/unique_id.h"

using namespace umaya::mailbox;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  for (const CourierId& known : parse_courier_sizes({reinterpret_cast<const char*>(data), size})) {
    if (known.base.empty() || known.base.find_first_of("/\n:") != known.base.npos) std::abort();
    if (!is_unique_id(known.unique_id)) std::abort();
  }
  return 0;
}
