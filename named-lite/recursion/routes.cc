#include "named-lite/recursion/routes.h"

#include <algorithm>

#include "libcommon/base/bytes.h"
#include "named-lite/dns/name.h"
#include "named-lite/dns/types.h"

namespace umaya::named {

namespace {

// RFC 6303 4, 6761, 7534, 7686, 8375.
constexpr std::string_view kSpecial[] = {
    "localhost.",
    "invalid.",
    "onion.",
    "home.arpa.",
    "0.in-addr.arpa.",
    "127.in-addr.arpa.",
    "10.in-addr.arpa.",
    "168.192.in-addr.arpa.",
    "254.169.in-addr.arpa.",
    "2.0.192.in-addr.arpa.",
    "100.51.198.in-addr.arpa.",
    "113.0.203.in-addr.arpa.",
    "255.255.255.255.in-addr.arpa.",
    "0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.ip6.arpa.",
    "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.ip6.arpa.",
    "8.b.d.0.1.0.0.2.ip6.arpa.",
    "d.f.ip6.arpa.",
    "8.e.f.ip6.arpa.",
    "9.e.f.ip6.arpa.",
    "a.e.f.ip6.arpa.",
    "b.e.f.ip6.arpa.",
};
constexpr uint32_t kSpecialTtl = 10800;

std::string wire_of(const std::string& text) {
  return std::string(Name::from_text(text)->wire());
}

std::vector<std::string> special_zones() {
  std::vector<std::string> zones;
  for (std::string_view zone : kSpecial) zones.push_back(wire_of(std::string(zone)));
  for (int i = 16; i < 32; ++i) zones.push_back(wire_of(std::to_string(i) + ".172.in-addr.arpa."));
  for (int i = 64; i < 128; ++i) zones.push_back(wire_of(std::to_string(i) + ".100.in-addr.arpa."));
  return zones;
}

}  // namespace

Routes::Routes(const ViewRecursion& view) {
  if (view.empty_zones) {
    for (std::string& zone : special_zones()) {
      const auto& disabled = view.disabled_empty_zones;
      if (std::find(disabled.begin(), disabled.end(), zone) != disabled.end()) continue;
      zones_[zone] = {RouteKind::special, zone};
    }
  }
  for (const ForwardZone& forward : view.forwards) zones_[forward.zone] = {RouteKind::forward, forward.zone, &forward};
  for (const StubZone& stub : view.stubs) zones_[stub.zone] = {RouteKind::stub, stub.zone, nullptr, &stub};
}

const Route& Routes::find(std::string_view name) const {
  while (true) {
    if (auto found = zones_.find(std::string(name)); found != zones_.end()) return found->second;
    if (name.size() <= 1) return tree_;
    name = parent_of(name);
  }
}

Entry special_answer(std::string_view zone, std::string_view name, uint16_t type) {
  Entry entry{Outcome::no_name, Trust::authoritative};
  entry.ttl = entry.original_ttl = kSpecialTtl;
  bool localhost = zone == wire_of("localhost.");
  if (localhost && (type == type::kA || type == type::kAaaa)) {
    entry.outcome = Outcome::found;
    std::string address = type == type::kA ? std::string("\x7f\0\0\1", 4) : std::string(15, '\0') + '\1';
    entry.sets.push_back({std::string(name), type, kSpecialTtl, {address}});
    return entry;
  }
  if (localhost || name == zone) entry.outcome = Outcome::no_data;
  std::string soa(zone);
  soa += wire_of("nobody.invalid.");
  ByteWriter(soa).be32(1).be32(3600).be32(1200).be32(604800).be32(kSpecialTtl);
  entry.sets.push_back({std::string(zone), type::kSoa, kSpecialTtl, {soa}});
  return entry;
}

}  // namespace umaya::named
