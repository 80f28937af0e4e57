// LINK umaya_table
// NAME    network_text_fuzz - addresses, networks, literals, host names, and lists of them: what is read is written
// alike
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "libcommon/base/strings.h"
#include "libcommon/log/log.h"
#include "libcommon/message/domain.h"
#include "libcommon/message/received.h"
#include "libcommon/net/cidr.h"
#include "libcommon/table/match_list.h"

using namespace umaya;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  log::capture([](log::Level, std::string_view) {});
  std::string_view text(reinterpret_cast<const char*>(data), size);
  if (auto address = net::IpAddress::parse(text)) {
    auto again = net::IpAddress::parse(address->to_string());
    if (!again || *again != *address) std::abort();
    if (!net::Network(*address, address->bits()).contains(*address)) std::abort();
    (void)address->reverse_name();
  }
  (void)net::IpAddress::parse_literal(text);
  if (auto end = net::Endpoint::parse(text)) {
    if (net::Endpoint::parse(end->to_string()) != end) std::abort();
  }
  auto cidr = net::parse_cidr(text);
  for (auto network : {net::Network::parse(text), cidr ? std::optional(*cidr) : std::nullopt}) {
    if (!network) continue;
    if (network->prefix() < 0 || network->prefix() > network->address().bits()) std::abort();
    auto again = net::Network::parse(network->to_string());
    if (!again || again->to_string() != network->to_string()) std::abort();
    bool mapped = network->address().is_v6() && network->address().unmapped().is_v4();
    if (!mapped && !network->contains(network->address())) std::abort();
  }
  if (message::valid_hostname(text) && (size > 255 || text.find_first_of(" \r\n@/") != text.npos)) std::abort();
  if (auto literal = message::parse_address_literal(text); literal && !net::IpAddress::parse(*literal)) std::abort();
  if (auto ip = message::canonical_ip(text); ip && message::canonical_ip(*ip) != ip) std::abort();
  std::string safe = message::safe_trace_text(text);
  if (safe.find_first_of("()\r\n") != std::string::npos || printable(safe) != safe) std::abort();

  // A list: files and tables that it names are read for good, so not here.
  for (std::string_view item : split(text, ", \t\r\n\f\v")) {
    item.remove_prefix(std::min(item.find_first_not_of('!'), item.size()));
    if (item.starts_with('/') || (item.find(':') != item.npos && !item.starts_with('['))) return 0;
  }
  using table::MatchKind;
  for (auto kind : {MatchKind::exact, MatchKind::domain, MatchKind::client}) {
    auto list = table::MatchList::parse({}, "list", text, kind);
    if (kind == MatchKind::client) {
      (void)list.matches_client("mx.example.com", "192.0.2.1");
      (void)list.matches_client("unknown", "2001:db8::1");
    } else {
      (void)list.matches("mx.example.com");
    }
  }
  return 0;
}
