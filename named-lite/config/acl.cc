#include "named-lite/config/acl.h"

#include <ifaddrs.h>
#include <netinet/in.h>

#include <algorithm>
#include <bit>
#include <memory>

#include "libcommon/base/strings.h"

namespace umaya::named {

namespace {

enum class Verdict : unsigned char { no_match, admitted, refused };

Verdict judge(const Acl& acl, const Requester& requester) {
  for (const AclElement& element : acl) {
    Verdict verdict = Verdict::no_match;
    switch (element.kind) {
      case AclElement::Kind::any:
        verdict = Verdict::admitted;
        break;
      case AclElement::Kind::network:
        if (element.network.contains(requester.address)) verdict = Verdict::admitted;
        break;
      case AclElement::Kind::nested:
        verdict = judge(element.nested, requester);
        break;
      case AclElement::Kind::key:
        if (requester.key != nullptr && requester.key->wire() == element.key.wire()) verdict = Verdict::admitted;
        break;
    }
    if (verdict == Verdict::no_match) continue;
    // A refusal inside a negated list is no match of the outer one, as in BIND.
    if (!element.negated) return verdict;
    if (verdict == Verdict::admitted) return Verdict::refused;
  }
  return Verdict::no_match;
}

thread_local const std::vector<HostInterface>* known_interfaces = nullptr;

int mask_bits(const sockaddr* mask) {
  int bits = 0;
  auto address = net::IpAddress::from_sockaddr(mask);
  for (char octet : address ? address->bytes() : std::string_view()) {
    bits += std::popcount(static_cast<unsigned char>(octet));
  }
  return bits;
}

enum class Interface : unsigned char { address, network };

Acl from_interfaces(Interface what) {
  Acl acl;
  for (const HostInterface& each : host_interfaces()) {
    AclElement element;
    element.kind = AclElement::Kind::network;
    element.network = net::Network(each.address, what == Interface::network ? each.prefix : each.address.bits());
    acl.push_back(std::move(element));
  }
  return acl;
}

/// What stands for an element that was not understood: it admits nobody.
AclElement refused(AclElement element) {
  element.kind = AclElement::Kind::nested;
  element.nested = acl_of_none();
  return element;
}

/// "10/8" and "192.168.1/24": BIND lets trailing zeros be left out.
std::string full_network(std::string_view text) {
  size_t slash = text.find('/');
  std::string address(text.substr(0, slash));
  if (address.find(':') == std::string::npos) {
    for (auto dots = std::count(address.begin(), address.end(), '.'); dots < 3; ++dots) address += ".0";
  }
  return address + std::string(text.substr(slash));
}

}  // namespace

std::vector<HostInterface> host_interfaces() {
  if (known_interfaces != nullptr) return *known_interfaces;
  std::vector<HostInterface> all;
  ifaddrs* list = nullptr;
  if (getifaddrs(&list) != 0) return all;
  std::unique_ptr<ifaddrs, decltype(&freeifaddrs)> owner(list, freeifaddrs);
  for (const ifaddrs* each = list; each != nullptr; each = each->ifa_next) {
    auto address = each->ifa_addr != nullptr ? net::IpAddress::from_sockaddr(each->ifa_addr) : std::nullopt;
    if (!address) continue;
    all.push_back({*address, each->ifa_netmask != nullptr ? mask_bits(each->ifa_netmask) : address->bits()});
  }
  return all;
}

KnownInterfaces::KnownInterfaces(std::vector<HostInterface> list)
    : list_(std::move(list)), before_(std::exchange(known_interfaces, &list_)) {}

KnownInterfaces::~KnownInterfaces() {
  known_interfaces = before_;
}

bool admits(const Acl& acl, const Requester& requester) {
  return judge(acl, requester) == Verdict::admitted;
}

Acl acl_of_any() {
  return Acl(1);
}
Acl acl_of_none() {
  AclElement nobody;
  nobody.negated = true;
  return Acl(1, nobody);
}
Acl acl_of_localhost() {
  return from_interfaces(Interface::address);
}
Acl acl_of_localnets() {
  return from_interfaces(Interface::network);
}

AclNames::AclNames() {
  names_.push_back({"any", acl_of_any(), 1});
  names_.push_back({"none", acl_of_none(), 1});
}

/// The list of that name defined last. What belongs to this host is asked for by the first who needs it.
const AclNames::Named* AclNames::find(std::string_view name) {
  auto has_name = [name](const Named& each) { return iequals(each.name, name); };
  auto found = std::find_if(names_.rbegin(), names_.rend(), has_name);
  if (found != names_.rend()) return &*found;
  bool localhost = iequals(name, "localhost");
  if (!localhost && !iequals(name, "localnets")) return nullptr;
  Acl acl = localhost ? acl_of_localhost() : acl_of_localnets();
  size_t elements = acl.size();
  names_.push_back({std::string(name), std::move(acl), elements});
  return &names_.back();
}

Acl AclNames::localhost() {
  return find("localhost")->acl;
}

Acl AclNames::near_hosts() {
  Acl both(2);
  both[0].kind = both[1].kind = AclElement::Kind::nested;
  both[0].nested = find("localnets")->acl;
  both[1].nested = find("localhost")->acl;
  return both;
}

/// False, and an error once, when the lists would become too many.
bool AclNames::count(size_t elements, const Place& place, Problems& problems) {
  bool fits = total_ <= kMostElements;
  total_ += elements;
  if (total_ <= kMostElements) return true;
  if (fits) {
    problems.error(place, "the address lists have more than " + std::to_string(kMostElements) +
                              " elements, counting those that names stand for: use fewer or shorter lists");
  }
  total_ = kMostElements + 1;
  return false;
}

void AclNames::define(const Statement& statement, Problems& problems) {
  const Part* block = statement.block();
  if (statement.parts.size() != 3 || block == nullptr || statement.word(1).empty()) {
    return problems.error(statement.place(), "acl needs a name and a list", "acl inside { 192.168.0.0/24; };");
  }
  size_t before = total_;
  Acl acl = parse(*block, problems);
  names_.push_back({std::string(statement.word(1)), std::move(acl), total_ - before});
}

AclElement AclNames::key_element(const Statement& statement, size_t at, AclElement element, Problems& problems) const {
  element.kind = AclElement::Kind::key;
  auto name = Name::from_text(statement.word(at));
  if (name) element.key = name->lower();
  bool known = name && std::any_of(keys_.begin(), keys_.end(),
                                   [&](const Name& key) { return key.wire() == element.key.wire(); });
  if (known) return element;
  problems.error(statement.place(at), "there is no key \"" + std::string(statement.word(at)) + "\"",
                 "key \"" + std::string(statement.word(at)) + "\" { algorithm hmac-sha256; secret \"…\"; };");
  return element;
}

AclElement AclNames::element(const Statement& statement, Problems& problems) {
  AclElement element;
  element.kind = AclElement::Kind::nested;
  size_t at = 0;
  while (at + 1 < statement.parts.size() && statement.word(at) == "!") {
    element.negated = !element.negated;
    ++at;
  }
  if (!count(1, statement.place(at), problems)) return refused(std::move(element));
  if (statement.parts[at].is_block()) {
    element.nested = parse(statement.parts[at], problems);
    return element;
  }
  std::string_view word = statement.word(at);
  if (iequals(word, "key") && at + 2 == statement.parts.size()) {
    return key_element(statement, at + 1, std::move(element), problems);
  }
  if (const Named* named = find(word)) {
    if (!count(named->elements, statement.place(at), problems)) return refused(std::move(element));
    element.nested = named->acl;
    return element;
  }
  std::string why;
  auto network =
      net::Network::parse(word.find('/') != std::string_view::npos ? full_network(word) : std::string(word), &why);
  if (!network || at + 1 != statement.parts.size()) {
    problems.error(statement.place(at), "\"" + std::string(word) +
                                            "\" is no address, network (192.168.0.0/24) or name of an acl" +
                                            (why.empty() ? "" : ": " + why));
    return refused(std::move(element));
  }
  element.kind = AclElement::Kind::network;
  element.network = *network;
  return element;
}

Acl AclNames::parse(const Part& block, Problems& problems) {
  Acl acl;
  for (const Statement& statement : block.block) acl.push_back(element(statement, problems));
  return acl;
}

}  // namespace umaya::named
