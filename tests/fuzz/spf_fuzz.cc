// LINK named-lite_core
// NAME    spf_fuzz - any SPF record is read without harm, and a cure begins as a record does
#include <cstdint>
#include <cstdlib>
#include <string>

#include "named-lite/check/spf.h"

using namespace umaya::named;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string text = "v=spf1 " + std::string(reinterpret_cast<const char*>(data), size);
  SpfFindings found = check_spf(text);
  for (const SpfFault& fault : found.faults) {
    if (!fault.cure.empty() && !is_spf(fault.cure)) abort();
  }
  if (found.lookups > text.size()) abort();
  return 0;
}
