// LINK umaya_message
// NAME    header_list_fuzz - header sections, whole and in pieces, and the address lists in them
#include <cstdint>
#include <string>
#include <string_view>

#include "libcommon/message/address.h"
#include "libcommon/message/header.h"

using namespace umaya::message;

static std::string scan(std::string_view in, size_t step) {
  std::string out;
  HeaderScanner scanner({.header_size = 1000});
  auto on = [&](const Header& h) { out.append(h.raw).append("\n"); };
  for (size_t i = 0; i < in.size() && !scanner.done();) i += scanner.feed(in.substr(i, step), on);
  scanner.finish(on);
  return out;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view in(reinterpret_cast<const char*>(data), size);
  if (scan(in, size + 1) != scan(in, 1)) __builtin_trap();
  for (auto& a : parse_address_list(in).addresses) {
    if (a.begin > a.end || a.end > size) __builtin_trap();
    (void)to_external(a.address);
  }
  return 0;
}
