// LINK named-lite_core
// NAME    bind_journal_fuzz - the head of a journal of BIND: a serial that stands in it, or nothing
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "named-lite/dns/wire.h"
#include "named-lite/server/bind_journal.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace umaya::named;
  std::string_view head(reinterpret_cast<const char*>(data), size);
  auto end = end_of_bind_journal(head);
  if (end.has_value() != (size >= 64 && head.starts_with(";BIND LOG V9"))) std::abort();
  if (end && *end != be32_at(head, 24)) std::abort();
  return 0;
}
