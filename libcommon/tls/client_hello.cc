#include "libcommon/tls/client_hello.h"

#include "libcommon/base/bytes.h"
#include "libcommon/base/strings.h"

namespace umaya::tls {

std::string valid_server_name(std::string_view name) {
  static constexpr size_t kLongestName = 253, kLongestLabel = 63;
  if (name.empty() || name.size() > kLongestName) return {};
  size_t label = 0;
  bool alphabetic = false;
  for (size_t i = 0; i < name.size(); ++i) {
    char c = name[i];
    if (c == '.') {
      if (label == 0 || name[i - 1] == '-') return {};
      label = 0;
      continue;
    }
    if (!ascii_alnum(c) && c != '_' && (c != '-' || label == 0)) return {};
    alphabetic |= !ascii_digit(c);
    if (++label > kLongestLabel) return {};
  }
  if (label == 0 || name.back() == '-' || !alphabetic) return {};
  return to_lower(name);
}

std::string parse_server_name(std::span<const unsigned char> extension) {
  static constexpr uint8_t kHostName = 0;
  ByteReader in({reinterpret_cast<const char*>(extension.data()), extension.size()});
  if (in.be16() != in.remaining() || !in.ok()) return {};
  if (in.u8() != kHostName) return {};
  std::string_view name = in.bytes(in.be16());
  // Only one name of a kind may stand in the list, and no other kind was ever defined.
  if (!in.at_end()) return {};
  return valid_server_name(name);
}

}  // namespace umaya::tls
