// LINK umaya_net
// NAME    proxy_header_fuzz - what is complete is so at exactly its size, and the prefixes of it are incomplete
#include <cstdint>

#include "libcommon/net/proxy_header.h"

using namespace umaya::net;
using Status = ProxyHeader::Status;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view in(reinterpret_cast<const char*>(data), size);
  ProxyHeader header = parse_proxy_header(in);
  if (header.status == Status::invalid && header.error.empty()) __builtin_trap();
  if (header.status != Status::complete) return 0;
  if (header.size == 0 || header.size > size) __builtin_trap();
  ProxyHeader again = parse_proxy_header(in.substr(0, header.size));
  if (again.status != Status::complete || again.client != header.client) __builtin_trap();
  for (size_t i = 0; i < header.size && i < 200; ++i) {
    if (parse_proxy_header(in.substr(0, i)).status != Status::incomplete) __builtin_trap();
  }
  return 0;
}
