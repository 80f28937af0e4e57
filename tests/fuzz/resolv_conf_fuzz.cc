// LINK umaya_dns
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "libcommon/dns/resolv_conf.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace umaya::dns;
  std::string_view text(reinterpret_cast<const char*>(data), size);
  ResolvConf conf = parse_resolv_conf(text, "f");
  if (conf.servers.empty() || conf.ndots < 0 || conf.ndots > 15 || conf.attempts < 1) std::abort();
  if (search_names(conf, "a.b").size() > 17) std::abort();
  HostsFile::parse(text).addresses("localhost");
  return 0;
}
