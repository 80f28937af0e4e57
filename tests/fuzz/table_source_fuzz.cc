// LINK umaya_table
// Source files of postmap and postalias: entries keep to the order of lines, problems carry a line number.
#include <cstdint>
#include <cstdlib>

#include "libcommon/table/source.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace umaya::table;
  std::string_view text(reinterpret_cast<const char*>(data), size);
  for (auto read : {read_map_source, read_alias_source}) {
    int last = 0;
    SourceHandlers handlers;
    handlers.on_entry = [&](const SourceEntry& entry) {
      if (entry.line < last || entry.line < 1) std::abort();
      last = entry.line;
    };
    handlers.on_problem = [](int line, const std::string&) {
      if (line < 1) std::abort();
    };
    read(text, handlers);
  }
  return 0;
}
