#include "libcommon/dns/mx_order.h"

#include <algorithm>
#include <iterator>

#include "libcommon/dns/name.h"

namespace umaya::dns {

namespace {

template <class T>
void shuffle(std::vector<T>& items, const RandomBelow& random) {
  for (size_t i = items.size(); i > 1; --i) std::swap(items[i - 1], items[random(i)]);
}

int family_rank(const net::IpAddress& address, FamilyOrder order) {
  if (order == FamilyOrder::any) return 0;
  return address.is_v4() == (order == FamilyOrder::ipv4_first) ? 0 : 1;
}

// Cuts at the limit; when that would leave one family although both exist, half of the places go to the other one.
void cut_balanced(std::vector<MailHost>& hosts, size_t limit) {
  auto cut = hosts.begin() + static_cast<std::ptrdiff_t>(limit);
  const net::Family family = hosts.front().address.family();
  auto is_other = [family](const MailHost& h) { return h.address.family() != family; };
  std::vector<MailHost> others;
  if (std::none_of(hosts.begin(), cut, is_other)) {
    for (auto h = cut; h != hosts.end() && others.size() < limit / 2; ++h) {
      if (is_other(*h)) others.push_back(std::move(*h));
    }
  }
  hosts.resize(limit - others.size());
  std::ranges::move(others, std::back_inserter(hosts));
}

}  // namespace

bool is_null_mx(const std::vector<Record>& records) {
  return records.size() == 1 && records[0].target == ".";
}

std::vector<Mx> sort_mx(const std::vector<Record>& records, const RandomBelow& random) {
  std::vector<Mx> list;
  for (const Record& r : records) {
    std::string name = canonical_name(r.target);
    if (!valid_hostname(name)) continue;
    auto same = std::ranges::find(list, name, &Mx::name);
    if (same == list.end()) {
      list.push_back({r.preference, std::move(name)});
    } else {
      same->preference = std::min(same->preference, r.preference);
    }
  }
  shuffle(list, random);
  std::ranges::stable_sort(list, {}, &Mx::preference);
  return list;
}

bool OwnHost::has(std::string_view name) const {
  return std::ranges::any_of(names, [name](const std::string& n) { return iequals(n, name); });
}

bool OwnHost::has(const net::IpAddress& address) const {
  const net::IpAddress wanted = address.unmapped();
  if (wanted.is_unspecified()) return true;  // connecting to 0.0.0.0 reaches this very host
  return std::ranges::find(addresses, wanted) != addresses.end();
}

bool drop_own(std::vector<MailHost>& hosts, const OwnHost& own) {
  bool found = false;
  uint16_t preference = 0;
  for (const MailHost& host : hosts) {
    if (!own.has(host.name) && !own.has(host.address)) continue;
    preference = found ? std::min(preference, host.preference) : host.preference;
    found = true;
  }
  if (found) std::erase_if(hosts, [preference](const MailHost& h) { return h.preference >= preference; });
  return found;
}

void arrange(std::vector<MailHost>& hosts, const Order& order, const RandomBelow& random) {
  if (order.shuffle == Shuffle::yes) shuffle(hosts, random);
  std::ranges::stable_sort(hosts, [&order](const MailHost& a, const MailHost& b) {
    if (a.preference != b.preference) return a.preference < b.preference;
    return family_rank(a.address, order.family) < family_rank(b.address, order.family);
  });
  if (order.limit == 0 || hosts.size() <= order.limit) return;
  if (order.balance) return cut_balanced(hosts, order.limit);
  hosts.resize(order.limit);
}

}  // namespace umaya::dns
