// NAME    lookup - questions that take more than one query: addresses, search list, client names
#include <algorithm>

#include "libcommon/dns/name.h"
#include "libcommon/dns/resolver.h"

namespace umaya::dns {

using event::Task;

namespace {

constexpr size_t kMaxPeerNames = 10;  // PTR records of one address that are checked

bool wants(Families families, Type type) {
  return families == Families::both || (families == Families::ipv4) == (type == Type::a);
}

// Of two failures the one that says more: "could not ask" wins over "is not there", so that nothing is given up for it.
bool says_more(Status a, Status b) {
  if (is_definite(a) != is_definite(b)) return !is_definite(a);
  return a == Status::no_data && b != Status::no_data;
}

}  // namespace

Task<Addresses> addresses_of(Resolver& resolver, std::string name, Families families) {
  Addresses out;
  Status failure = Status::invalid;
  for (Type type : {Type::a, Type::aaaa}) {
    if (!wants(families, type)) continue;
    if (type == Type::aaaa && resolver.conf().no_aaaa) continue;
    Answer answer = co_await resolver.query(name, type);
    if (answer.found()) {
      out.authenticated = answer.authenticated && (out.list.empty() || out.authenticated);
      out.ttl = std::min(out.ttl, answer.ttl);
      for (const Record& r : answer.records) out.list.push_back(r.address);
      continue;
    }
    if (out.error.empty() || says_more(answer.status, failure)) {
      failure = answer.status;
      out.error = answer.error_text();
    }
    if (answer.status == Status::no_name) break;
  }
  out.status = out.list.empty() ? failure : Status::found;
  if (!out.list.empty()) out.error.clear();
  co_return out;
}

Task<Addresses> native_addresses_of(Resolver& resolver, std::string name, Families families) {
  Addresses out;
  std::vector<net::IpAddress> local = resolver.hosts().addresses(name);
  if (auto literal = net::IpAddress::parse(name)) local = {*literal};
  for (const net::IpAddress& a : local) {
    if (wants(families, a.is_v4() ? Type::a : Type::aaaa)) out.list.push_back(a);
  }
  out.status = Status::found;
  if (!out.list.empty()) co_return out;
  for (const std::string& candidate : search_names(resolver.conf(), name)) {
    out = co_await addresses_of(resolver, candidate, families);
    if (out.status == Status::found || !is_definite(out.status)) break;
  }
  if (out.status != Status::found) {
    out.error = "unable to look up host " + name + ": " + std::string(status_text(out.status));
  }
  co_return out;
}

Task<Answer> search(Resolver& resolver, std::string name, Type type) {
  Answer answer;
  Answer no_data;
  no_data.status = Status::no_name;
  for (const std::string& candidate : search_names(resolver.conf(), name)) {
    answer = co_await resolver.query(candidate, type);
    if (answer.found() || !is_definite(answer.status)) co_return answer;
    if (answer.status == Status::no_data) no_data = answer;
  }
  co_return no_data.status == Status::no_data ? no_data : answer;
}

Task<PeerName> peer_name(Resolver& resolver, net::IpAddress address) {
  PeerName peer;
  address = address.unmapped();
  // As getnameinfo(3) does: what /etc/hosts knows is not asked for.
  std::string local = resolver.hosts().name_of(address);
  Answer pointers;
  if (local.empty()) {
    pointers = co_await resolver.query(address.reverse_name(), Type::ptr);
  } else {
    pointers.status = Status::found;
  }
  std::vector<std::string> names;
  for (const Record& r : pointers.records) {
    if (valid_hostname(r.target) && names.size() < kMaxPeerNames) names.push_back(canonical_name(r.target));
  }
  if (!local.empty()) names.push_back(local);
  peer.reverse_status = peer.name_status = names.empty() && pointers.found() ? Status::malformed : pointers.status;
  if (names.empty()) co_return peer;
  peer.reverse_status = Status::found;
  peer.reverse_name = names.front();
  peer.name_status = Status::no_name;
  const Families families = address.is_v4() ? Families::ipv4 : Families::ipv6;
  for (const std::string& name : names) {
    Addresses forward;
    forward.list = resolver.hosts().addresses(name);
    forward.status = Status::found;
    if (std::ranges::find(forward.list, address) == forward.list.end()) {
      forward = co_await addresses_of(resolver, name, families);
    }
    if (std::ranges::find(forward.list, address) != forward.list.end()) {
      peer.name = peer.reverse_name = name;
      peer.name_status = Status::found;
      peer.warning.clear();
      co_return peer;
    }
    if (!is_definite(forward.status)) peer.name_status = forward.status;
    if (peer.warning.empty()) {
      peer.warning = "hostname " + name + " does not resolve to address " + address.to_string();
      if (forward.status != Status::found) peer.warning += ": " + std::string(status_text(forward.status));
    }
  }
  co_return peer;
}

}  // namespace umaya::dns
