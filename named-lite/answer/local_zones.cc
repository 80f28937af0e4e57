#include "named-lite/answer/local_zones.h"

#include <algorithm>

#include "named-lite/dns/types.h"

namespace umaya::named {

namespace {

enum class Kind : unsigned char { empty, localhost, loopback4, loopback6 };

/// `from` to `to` are labels in front of the name; one zone for each.
struct Row {
  std::string_view name;
  Kind kind = Kind::empty;
  int from = -1, to = -1;
};

constexpr std::string_view kLoopback6 = "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.ip6.arpa.";

constexpr Row kAlways[] = {
    {"localhost.", Kind::localhost}, {"127.in-addr.arpa.", Kind::loopback4}, {kLoopback6, Kind::loopback6}};

constexpr Row kForResolvers[] = {
    {"10.in-addr.arpa."},
    {"172.in-addr.arpa.", Kind::empty, 16, 31},
    {"168.192.in-addr.arpa."},
    {"100.in-addr.arpa.", Kind::empty, 64, 127},
    {"0.in-addr.arpa."},
    {"254.169.in-addr.arpa."},
    {"2.0.192.in-addr.arpa."},
    {"100.51.198.in-addr.arpa."},
    {"113.0.203.in-addr.arpa."},
    {"255.255.255.255.in-addr.arpa."},
    {"0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.ip6.arpa."},
    {"8.b.d.0.1.0.0.2.ip6.arpa."},
    {"d.f.ip6.arpa."},
    {"8.e.f.ip6.arpa."},
    {"9.e.f.ip6.arpa."},
    {"a.e.f.ip6.arpa."},
    {"b.e.f.ip6.arpa."},
    {"empty.as112.arpa."},
    {"home.arpa."},
    {"resolver.arpa."},
    {"invalid."},
    {"onion."},
};

constexpr uint32_t kTtl = 86400;

void put32(std::string& out, uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) out.push_back(static_cast<char>(value >> shift));
}

Name known_name(std::string_view text) {
  Name name;
  name.assign_text(text, Name());
  return name;
}

RecordList records_of(const Name& apex, Kind kind, const AnswerConf& settings) {
  RecordList list(apex);
  uint16_t file = list.add_file("built in");
  auto add = [&](uint16_t type, std::string_view data) { list.add(type, kTtl, data, file, 0, 0); };
  Name server = apex;
  Name contact;
  if (!settings.empty_server.empty()) server = known_name(settings.empty_server);
  if (!settings.empty_contact.empty()) contact = known_name(settings.empty_contact);
  std::string soa(server.wire());
  soa += contact.wire();
  for (uint32_t number : {0u, 28800u, 7200u, 604800u, kTtl}) put32(soa, number);
  list.set_owner(apex.wire());
  add(type::kSoa, soa);
  add(type::kNs, server.wire());
  std::string_view localhost("\x09localhost\0", 11);
  if (kind == Kind::localhost) {
    add(type::kA, std::string_view("\x7F\0\0\1", 4));
    add(type::kAaaa, std::string(15, '\0') + '\1');
  } else if (kind == Kind::loopback6) {
    add(type::kPtr, localhost);
  } else if (kind == Kind::loopback4) {
    list.set_owner(known_name("1.0.0.127.in-addr.arpa.").wire());
    add(type::kPtr, localhost);
  }
  return list;
}

bool is_wanted(const Name& name, const AnswerConf& settings, std::span<const OwnZone> own) {
  auto is_same = [&](const Name& other) { return same_name(other.wire(), name.wire()); };
  const auto& disabled = settings.disabled_empty_zones;
  if (std::any_of(disabled.begin(), disabled.end(), is_same)) return false;
  return std::none_of(own.begin(), own.end(), [&](const OwnZone& zone) {
    return is_at_or_below(name.wire(), zone.name.wire()) ||
           (zone.forwards && is_at_or_below(zone.name.wire(), name.wire()));
  });
}

void add_row(const Row& row, const AnswerConf& settings, std::span<const OwnZone> own, std::vector<LocalZone>& out) {
  for (int n = row.from; n <= row.to; ++n) {
    Name name = known_name(n < 0 ? std::string(row.name) : std::to_string(n) + "." + std::string(row.name));
    if (is_wanted(name, settings, own)) out.push_back({name, records_of(name, row.kind, settings)});
  }
}

}  // namespace

std::vector<LocalZone> local_zones(const AnswerConf& settings, bool recursion, std::span<const OwnZone> own) {
  std::vector<LocalZone> zones;
  if (!settings.empty_zones) return zones;
  for (const Row& row : kAlways) add_row(row, settings, own, zones);
  if (!recursion) return zones;
  for (const Row& row : kForResolvers) add_row(row, settings, own, zones);
  return zones;
}

}  // namespace umaya::named
