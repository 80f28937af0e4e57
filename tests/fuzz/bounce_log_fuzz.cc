// LINK umaya_queue
// A bounce log of any bytes is read to its end; what is read can be written and read again.
#include <cstdint>
#include <cstdlib>

#include "libcommon/queue/bounce_log.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace umaya::queue;
  BounceLogReader log(std::string_view(reinterpret_cast<const char*>(data), size));
  while (auto record = log.next()) {
    std::string text = encode_bounce_record(*record);
    BounceLogReader again(text);
    if (!again.next()) std::abort();
  }
  return 0;
}
