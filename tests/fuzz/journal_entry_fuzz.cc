// LINK named-lite_core
// NAME    journal_entry_fuzz - any octets are no step of a journal, or one that is written back as it was
#include <cstdint>
#include <cstdlib>
#include <string>

#include "libcommon/queue/checksum.h"
#include "named-lite/update/journal_entry.h"

using namespace umaya;
using namespace umaya::named;

namespace {

/// The octets with the checksum that belongs to them, so that what lies behind it is reached.
std::string with_checksum(std::string octets) {
  uint32_t sum = queue::crc32c(octets);
  octets.append(reinterpret_cast<const char*>(&sum), sizeof sum);
  return octets;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string octets(reinterpret_cast<const char*>(data), size);
  std::string whole = with_checksum(octets);
  for (const std::string& each : {octets, whole}) {
    (void)decode_serials(each);
    if (auto step = decode_step(each); step && encode_step(*step) != each) abort();
    if (auto state = decode_state(each); state && encode_state(*state) != each) abort();
  }
  return 0;
}
