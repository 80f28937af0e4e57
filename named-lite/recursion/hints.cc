#include "named-lite/recursion/hints.h"

#include <algorithm>
#include <array>

#include "libcommon/base/strings.h"
#include "named-lite/dns/name.h"
#include "named-lite/dns/types.h"
#include "named-lite/zone/zone_text.h"

namespace umaya::named {

namespace {

struct RootServer {
  char letter;
  std::string_view v4;
  std::string_view v6;
};

constexpr std::array<RootServer, 13> kRootServers{{
    {'a', "198.41.0.4", "2001:503:ba3e::2:30"},
    {'b', "170.247.170.2", "2801:1b8:10::b"},
    {'c', "192.33.4.12", "2001:500:2::c"},
    {'d', "199.7.91.13", "2001:500:2d::d"},
    {'e', "192.203.230.10", "2001:500:a8::e"},
    {'f', "192.5.5.241", "2001:500:2f::f"},
    {'g', "192.112.36.4", "2001:500:12::d0d"},
    {'h', "198.97.190.53", "2001:500:1::53"},
    {'i', "192.36.148.17", "2001:7fe::53"},
    {'j', "192.58.128.30", "2001:503:c27::2:30"},
    {'k', "193.0.14.129", "2001:7fd::1"},
    {'l', "199.7.83.42", "2001:500:9f::42"},
    {'m', "202.12.27.33", "2001:dc3::35"},
}};

constexpr size_t kMostHints = 64;
constexpr size_t kMostHintAddresses = 16;

std::optional<net::IpAddress> address_of(uint16_t type, std::string_view data) {
  auto bytes = reinterpret_cast<const uint8_t*>(data.data());
  if (type == type::kA && data.size() == 4) return net::IpAddress::v4(bytes);
  if (type == type::kAaaa && data.size() == 16) return net::IpAddress::v6(bytes);
  return std::nullopt;
}

}  // namespace

std::vector<RootHint> built_in_hints() {
  std::vector<RootHint> hints;
  for (const RootServer& server : kRootServers) {
    std::string name = std::string("\1") + server.letter + "\14root-servers\3net" + '\0';
    hints.push_back({std::move(name), {*net::IpAddress::parse(server.v4), *net::IpAddress::parse(server.v6)}});
  }
  return hints;
}

std::optional<std::vector<RootHint>> parse_root_hints(std::string_view text, std::string file, Problems& problems) {
  ZoneTextOptions options{Name(), {}, 0};
  RecordList records = parse_zone_text(text, std::move(file), options, problems);
  std::vector<RootHint> hints;
  for (const Record& record : records.records()) {
    if (record.type != type::kNs || records.owner(record).size() != 1 || hints.size() >= kMostHints) continue;
    hints.push_back({lower_of(records.rdata(record)), {}});
  }
  for (const Record& record : records.records()) {
    auto address = address_of(record.type, records.rdata(record));
    if (!address) continue;
    std::string owner = lower_of(records.owner(record));
    for (RootHint& hint : hints) {
      if (hint.name == owner && hint.addresses.size() < kMostHintAddresses) hint.addresses.push_back(*address);
    }
  }
  std::erase_if(hints, [](const RootHint& hint) { return hint.addresses.empty(); });
  if (hints.empty()) return std::nullopt;
  return hints;
}

Delegation root_from_hints(const std::vector<RootHint>& hints, uint16_t port) {
  Delegation root{std::string(1, '\0')};
  for (const RootHint& hint : hints.empty() ? built_in_hints() : hints) {
    NameServer server{hint.name};
    for (const net::IpAddress& address : hint.addresses) server.addresses.push_back({address, port});
    root.servers.push_back(std::move(server));
  }
  root.fixed = true;
  return root;
}

}  // namespace umaya::named
