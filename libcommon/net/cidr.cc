#include "libcommon/net/cidr.h"

#include <string>

#include "libcommon/base/strings.h"

namespace umaya::net {
namespace {

/// Takes the brackets of "[addr]", "[addr/len]" and "[addr]/len" away.
Result<std::string> without_brackets(std::string_view pattern) {
  if (pattern.empty() || pattern.front() != '[') return std::string(pattern);
  size_t close = pattern.find(']');
  if (close == std::string_view::npos) {
    return permanent("missing ']' character after \"" + std::string(pattern) + "\"");
  }
  std::string_view rest = pattern.substr(close + 1);
  if (!rest.empty() && rest.front() != '/') {
    return permanent("garbage after \"" + std::string(pattern.substr(0, close + 1)) + "\"");
  }
  return std::string(pattern.substr(1, close - 1)) + std::string(rest);
}

}  // namespace

Result<Network> parse_cidr(std::string_view pattern) {
  UMAYA_TRY(std::string text, without_brackets(pattern));
  size_t slash = text.find('/');
  auto address = IpAddress::parse(std::string_view(text).substr(0, slash));
  if (slash == std::string::npos) {
    if (!address) return permanent("bad address pattern: \"" + text + "\"");
    return Network(*address, address->bits());
  }
  auto length = parse_uint(std::string_view(text).substr(slash + 1));
  if (!length) return permanent("bad mask value in \"" + text + "\"");
  if (!address) return permanent("bad network value in \"" + text + "\"");
  if (*length > static_cast<uint64_t>(address->bits())) return permanent("bad mask length in \"" + text + "\"");
  Network network(*address, static_cast<int>(*length));
  if (network.address() != *address) {
    return permanent("non-null host address bits in \"" + text + "\", perhaps you should use \"" +
                     network.address().to_string() + "/" + std::to_string(*length) + "\" instead");
  }
  return network;
}

}  // namespace umaya::net
