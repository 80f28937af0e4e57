// LINK named-lite_core
// NAME    journal_pages_fuzz - the file of a journal, as a power cut or anything else may have left it
#include <cstdint>

#include "named-lite/update/journal_pages.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view file(reinterpret_cast<const char*>(data), size);
  if (!file.empty()) (void)umaya::named::page_damage(file);
  return 0;
}
