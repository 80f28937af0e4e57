#include "libcommon/mailbox/digest.h"

#include <cstdint>

#include "libcommon/base/strings.h"

namespace umaya::mailbox {

/// FNV-1a with 128 bits.
std::string short_digest(std::string_view text) {
  __extension__ using Wide = unsigned __int128;
  constexpr Wide kPrime = (Wide{0x0000000001000000} << 64) | 0x000000000000013B;
  Wide hash = (Wide{0x6c62272e07bb0142} << 64) | 0x62b821756295c58d;
  for (char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * kPrime;
  char bytes[16];
  for (int i = 15; i >= 0; --i, hash >>= 8) bytes[i] = static_cast<char>(hash);
  return to_lower(hex_encode({bytes, sizeof bytes}));
}

}  // namespace umaya::mailbox
