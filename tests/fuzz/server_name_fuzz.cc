// LINK umaya_tls
// NAME    server_name_fuzz - the server_name extension of a client's first message
#include <cstdint>
#include <cstdlib>

#include "libcommon/tls/client_hello.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace umaya::tls;
  std::string name = parse_server_name({data, size});
  if (!name.empty() && valid_server_name(name) != name) std::abort();
  for (unsigned char c : name) {
    if (c <= ' ' || c >= 127 || c == '/' || c == '\\' || (c >= 'A' && c <= 'Z')) std::abort();
  }
  if (name.size() > 253 || name.find("..") != std::string::npos) std::abort();
  return 0;
}
