// LINK umaya_table
// The rules of regexp, pcre and cidr tables: the first line is the key, the rest the rules.
#include <cstdint>

#include "libcommon/log/log.h"
#include "libcommon/table/source.h"
#include "libcommon/table/types.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace umaya;
  if (size > 4096) return 0;
  log::capture([](log::Level, std::string_view) {});
  std::string_view text(reinterpret_cast<const char*>(data), size);
  size_t end = text.find('\n');
  if (end == std::string_view::npos) return 0;
  std::string_view key = text.substr(0, end);
  std::string rules = "{";
  table::LogicalLines lines(text.substr(end + 1));
  while (auto line = lines.next()) rules += "{" + line->text + "} ";
  rules += "}";
  for (auto open : {table::open_regexp, table::open_pcre, table::open_cidr}) {
    auto opened = open({}, "x:" + rules);
    if (opened) (*opened)->lookup_now(key);
  }
  return 0;
}
