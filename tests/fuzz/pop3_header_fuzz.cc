// LINK pop3d_core
// NAME    pop3_header_fuzz - a surrogate of any header section is ASCII and as long as it takes; encoding stays in
// bounds
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "libcommon/base/strings.h"
#include "pop3d/header_surrogate.h"
#include "pop3d/message_encoder.h"

using namespace umaya;
using namespace umaya::pop3d;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view input(reinterpret_cast<const char*>(data), size);
  if (header_size(input) > size) abort();
  if (needs_surrogate(input)) {
    std::string surrogate = header_surrogate(input);
    if (!is_ascii(surrogate)) abort();
    if (surrogate.size() > 64 * size + 256) abort();
    if (header_surrogate(surrogate) != surrogate) abort();
  }
  MessageEncoder encoder;
  std::vector<char> out(MessageEncoder::most(size));
  size_t n = encoder.encode(input, out.data());
  if (n > out.size()) abort();
  if (encoder.finish(out.data()) > MessageEncoder::kMostAtEnd) abort();
  return 0;
}
