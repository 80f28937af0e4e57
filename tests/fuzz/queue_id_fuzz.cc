// LINK umaya_queue
// A valid id never leaves its directory.
#include <cstdint>
#include <cstdlib>

#include "libcommon/queue/queue_id.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace umaya::queue;
  std::string_view id(reinterpret_cast<const char*>(data), size);
  if (valid_id(id) && id.find_first_of(std::string_view("/.\0", 3)) != id.npos) std::abort();
  (void)creation_time(id);
  if (hash_characters(id, 4).size() != 4) std::abort();
  return 0;
}
