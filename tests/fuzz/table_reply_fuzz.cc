// LINK umaya_table
// Replies of tcp and socketmap servers: nothing but OK and 200 is an answer, nothing but NOTFOUND and 500 a "no".
#include <cstdint>
#include <cstdlib>

#include "libcommon/table/network_tables.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace umaya::table;
  std::string_view text(reinterpret_cast<const char*>(data), size);
  Lookup tcp = parse_tcp_reply(text);
  if (tcp.found() && !text.starts_with("200 ")) std::abort();
  if (tcp.missing() && !text.starts_with("500 ")) std::abort();
  Lookup map = parse_socketmap_reply(text);
  if (map.found() && !text.starts_with("OK ")) std::abort();
  if (map.missing() && !text.starts_with("NOTFOUND")) std::abort();
  std::string request = tcp_request(text);
  if (request.find('\n') != request.size() - 1) std::abort();
  if (percent_decode(request.substr(4, request.size() - 5)) != text) std::abort();
  return 0;
}
