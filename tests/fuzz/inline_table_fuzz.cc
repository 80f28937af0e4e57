// LINK umaya_table
// NAME    inline_table_fuzz - tables whose text stands in main.cf: inline, static, randmap, environ, unionmap, pipemap
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "libcommon/log/log.h"
#include "libcommon/table/types.h"

// Input: the first line is the key, the rest the text of the table.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace umaya;
  log::capture([](log::Level, std::string_view) {});
  std::string_view in(reinterpret_cast<const char*>(data), size);
  std::string_view key = in.substr(0, in.find('\n'));
  std::string text = "x:" + std::string(in.substr(std::min(key.size() + 1, size)));
  for (auto open : {table::open_inline, table::open_static, table::open_randmap}) {
    auto opened = open({}, text);
    if (!opened) continue;
    (void)(*opened)->lookup_now(key);
    (void)(*opened)->for_each([](std::string_view, std::string_view) {});
  }
  // Tables of tables: only of such as need no file.
  for (size_t at = text.find(':', 2); at != text.npos; at = text.find(':', at + 1)) {
    if (!std::string_view(text).substr(0, at).ends_with("inline")) return 0;
  }
  for (auto open : {table::open_unionmap, table::open_pipemap}) {
    if (auto opened = open({}, text)) (void)(*opened)->lookup_now(key);
  }
  return 0;
}
