// LINK named-lite_core
// NAME    root_hints_fuzz - whatever stands in a hint file, what is taken from it are servers with addresses
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "named-lite/recursion/hints.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace umaya::named;
  Problems problems;
  auto hints = parse_root_hints({reinterpret_cast<const char*>(data), size}, "hints", problems);
  if (!hints) return 0;
  if (hints->empty() || hints->size() > 64) std::abort();
  for (const RootHint& hint : *hints) {
    if (hint.addresses.empty() || hint.addresses.size() > 16) std::abort();
  }
  if (root_from_hints(*hints, 53).servers.size() != hints->size()) std::abort();
  return 0;
}
