#include "named-lite/recursion/meaning.h"

#include <algorithm>

#include "libcommon/base/strings.h"
#include "named-lite/answer/query.h"
#include "named-lite/dns/name.h"
#include "named-lite/dns/types.h"
#include "named-lite/dns/wire.h"

namespace umaya::named {

namespace {

using Records = std::vector<ReplyRecord>;

bool is_strictly_below(std::string_view name, std::string_view ancestor) {
  return name.size() > ancestor.size() && is_at_or_below(name, ancestor);
}

/// Type that an RRSIG covers; 0 for data that are too short.
uint16_t covered_type(const ReplyRecord& record) {
  return record.type == type::kRrsig && record.data.size() > 18 ? be16_at(record.data, 0) : uint16_t{0};
}

/// The records of a name and type, equal ones once; the TTL is the least of them (RFC 2181 5.2), within the bounds.
/// False when there are too many.
bool collect(const Records& records, std::string_view owner, uint16_t type, TtlBounds bounds, RrSet& set) {
  set = {std::string(owner), type, bounds.most};
  set.signature_ttl = bounds.most;
  for (const ReplyRecord& record : records) {
    if (record.owner != owner) continue;
    if (record.type == type) {
      if (std::find(set.data.begin(), set.data.end(), record.data) != set.data.end()) continue;
      if (set.data.size() >= kMostRecordsOfSet) return false;
      set.data.push_back(record.data);
      set.ttl = std::min(set.ttl, record.ttl);
    } else if (covered_type(record) == type) {
      if (set.signatures.size() >= kMostRecordsOfSet) return false;
      set.signatures.push_back(record.data);
      set.signature_ttl = std::min(set.signature_ttl, record.ttl);
    }
  }
  set.ttl = std::max(set.ttl, bounds.least);
  set.signature_ttl = std::max(set.signature_ttl, bounds.least);
  return true;
}

class Interpreter {
 public:
  Interpreter(const Reply& reply, const Asked& asked) : reply_(reply), asked_(asked), name_(asked.name) {}
  Meaning run();

 private:
  bool believed(std::string_view name) const {
    return is_at_or_below(name, asked_.zone) && (!asked_.believed || asked_.believed(name));
  }
  Says walk();
  Says step(bool& ended);
  Says take_set(uint16_t type, bool& ended);
  Says take_any(bool& ended);
  bool follow_dname(Says& says);
  Says nothing_here();
  Says negative(Says says, const ReplyRecord& soa);
  Says referral();
  void name_servers(const Records& records, const std::string& zone);
  const ReplyRecord* find_soa() const;
  const ReplyRecord* find_referral() const;
  void add_proofs(const ReplyRecord& soa, Entry& entry) const;
  void add_addresses(NameServer& server) const;
  Trust trust() const { return reply_.authoritative ? Trust::authoritative : Trust::answer; }
  void remember(uint16_t type, Entry entry) { meaning_.steps.push_back({name_, type, std::move(entry)}); }

  const Reply& reply_;
  const Asked& asked_;
  std::string name_;  // the current one
  Meaning meaning_;
};

Meaning Interpreter::run() {
  meaning_.rcode = reply_.rcode;
  switch (reply_.rcode) {
    case rcode::kNoError:
    case rcode::kNxDomain:
    case rcode::kYxDomain:
      meaning_.says = walk();
      break;
    case rcode::kRefused:
    case rcode::kNotAuth:
      meaning_.says = Says::refused;
      break;
    default:
      meaning_.says = Says::error;
  }
  return std::move(meaning_);
}

Says Interpreter::walk() {
  for (int i = 0; i <= asked_.most_steps; ++i) {
    bool ended = true;
    Says says = step(ended);
    if (ended) return says;
    if (believed(name_)) continue;
    meaning_.next = name_;
    return Says::alias;
  }
  meaning_.next = name_;
  return Says::alias;
}

/// One name of the chain. ended: the message says no more than the result.
Says Interpreter::step(bool& ended) {
  if (asked_.type == type::kAny) return take_any(ended);
  const Records& answer = reply_.answer();
  auto has = [&](uint16_t type) {
    return std::any_of(answer.begin(), answer.end(),
                       [&](const ReplyRecord& r) { return r.type == type && r.owner == name_; });
  };
  if (has(asked_.type)) return take_set(asked_.type, ended);
  Says says = Says::malformed;
  if (follow_dname(says)) {
    ended = says != Says::alias;
    return says;
  }
  if (has(type::kCname)) return take_set(type::kCname, ended);
  return nothing_here();
}

Says Interpreter::take_set(uint16_t type, bool& ended) {
  RrSet set;
  if (!collect(reply_.answer(), name_, type, asked_.ttl, set)) return Says::malformed;
  bool is_alias = type == type::kCname && asked_.type != type::kCname;
  if (is_alias && set.data.size() != 1) return Says::malformed;
  Entry entry{is_alias ? Outcome::alias : Outcome::found, trust()};
  entry.ttl = entry.original_ttl = set.ttl;
  std::string target = is_alias ? lower_of(set.data.front()) : std::string();
  entry.sets.push_back(std::move(set));
  remember(type, std::move(entry));
  if (!is_alias) {
    if (asked_.primes && type == type::kNs && name_ == asked_.zone) name_servers(reply_.answer(), name_);
    return Says::answer;
  }
  ended = false;
  name_ = std::move(target);
  return Says::alias;
}

/// Every set of the name (RFC 8482 4: as many as the server cares to give).
Says Interpreter::take_any(bool& ended) {
  ended = true;
  std::vector<uint16_t> types;
  for (const ReplyRecord& record : reply_.answer()) {
    if (record.owner != name_ || record.type == type::kRrsig) continue;
    if (std::find(types.begin(), types.end(), record.type) == types.end()) types.push_back(record.type);
    if (types.size() > kMostRecordsOfSet) return Says::malformed;
  }
  if (types.empty()) return nothing_here();
  Entry entry{Outcome::found, trust()};
  entry.ttl = asked_.ttl.most;
  for (uint16_t type : types) {
    RrSet set;
    if (!collect(reply_.answer(), name_, type, asked_.ttl, set)) return Says::malformed;
    entry.ttl = std::min(entry.ttl, set.ttl);
    entry.sets.push_back(std::move(set));
  }
  entry.original_ttl = entry.ttl;
  remember(type::kAny, std::move(entry));
  return Says::answer;
}

/// RFC 6672: a DNAME above the name, within the zone, gives a CNAME; the one in the message is not looked at.
bool Interpreter::follow_dname(Says& says) {
  const ReplyRecord* best = nullptr;
  for (const ReplyRecord& record : reply_.answer()) {
    if (record.type != type::kDname || !is_strictly_below(name_, record.owner)) continue;
    if (!is_at_or_below(record.owner, asked_.zone)) continue;
    if (best == nullptr || record.owner.size() > best->owner.size()) best = &record;
  }
  if (best == nullptr) return false;
  RrSet dname;
  if (!collect(reply_.answer(), best->owner, type::kDname, asked_.ttl, dname) || dname.data.size() != 1) {
    says = Says::malformed;
    return true;
  }
  std::string target = name_.substr(0, name_.size() - best->owner.size()) + dname.data.front();
  if (target.size() > kMaxName) {
    says = Says::overflow;
    return true;
  }
  RrSet cname{name_, type::kCname, dname.ttl, {target}};
  Entry entry{Outcome::alias, trust()};
  entry.ttl = entry.original_ttl = dname.ttl;
  entry.sets.push_back(std::move(dname));
  entry.sets.push_back(std::move(cname));
  remember(type::kCname, std::move(entry));
  name_ = lower_of(target);
  says = Says::alias;
  return true;
}

/// The SOA that says that there is nothing: of a zone that the server may speak for and the name lies in.
const ReplyRecord* Interpreter::find_soa() const {
  for (const ReplyRecord& record : reply_.authority()) {
    if (record.type == type::kSoa && is_at_or_below(record.owner, asked_.zone) && is_at_or_below(name_, record.owner)) {
      return &record;
    }
  }
  return nullptr;
}

const ReplyRecord* Interpreter::find_referral() const {
  for (const ReplyRecord& record : reply_.authority()) {
    if (record.type == type::kNs && is_strictly_below(record.owner, asked_.zone) && is_at_or_below(name_, record.owner))
      return &record;
  }
  return nullptr;
}

/// The message has no record of the current name in its answer section.
Says Interpreter::nothing_here() {
  bool moved = !meaning_.steps.empty();
  auto on_from_here = [&] {
    meaning_.next = name_;
    return Says::alias;
  };
  if (reply_.rcode == rcode::kYxDomain) return Says::overflow;
  const ReplyRecord* soa = find_soa();
  if (reply_.rcode == rcode::kNxDomain) {
    if (soa != nullptr) return negative(Says::no_name, *soa);
    if (moved) return on_from_here();
    if (!reply_.authoritative && !asked_.of_forwarder) return Says::lame;
    remember(RrsetCache::kNoName, Entry{Outcome::no_name, trust()});  // without SOA: not to be kept (RFC 2308 5)
    return Says::no_name;
  }
  if (soa != nullptr) return negative(Says::no_data, *soa);
  if (moved) return on_from_here();
  if (!asked_.of_forwarder && find_referral() != nullptr) return referral();
  if (!asked_.of_forwarder && !reply_.authoritative) return Says::lame;
  remember(asked_.type, Entry{Outcome::no_data, trust()});
  return Says::no_data;
}

/// NSEC and NSEC3 with their signatures, for clients that validate.
void Interpreter::add_proofs(const ReplyRecord& soa, Entry& entry) const {
  for (const ReplyRecord& record : reply_.authority()) {
    if (record.type != type::kNsec && record.type != type::kNsec3) continue;
    if (!is_at_or_below(record.owner, soa.owner) || entry.sets.size() > 8) continue;
    RrSet proof;
    if (!collect(reply_.authority(), record.owner, record.type, asked_.negative_ttl, proof)) continue;
    bool known = std::any_of(entry.sets.begin(), entry.sets.end(),
                             [&](const RrSet& set) { return set.type == proof.type && set.owner == proof.owner; });
    if (!known) entry.sets.push_back(std::move(proof));
  }
}

/// RFC 2308 5: kept for the lesser of the SOA's TTL and its last field.
Says Interpreter::negative(Says says, const ReplyRecord& soa) {
  Entry entry{says == Says::no_name ? Outcome::no_name : Outcome::no_data, trust()};
  RrSet set;
  collect(reply_.authority(), soa.owner, type::kSoa, asked_.negative_ttl, set);
  if (set.data.size() != 1 || soa.data.size() < 20) return Says::malformed;
  set.ttl = std::max(std::min(set.ttl, be32_at(soa.data, soa.data.size() - 4)), asked_.negative_ttl.least);
  entry.ttl = entry.original_ttl = set.ttl;
  entry.sets.push_back(std::move(set));
  add_proofs(soa, entry);
  remember(says == Says::no_name ? RrsetCache::kNoName : asked_.type, std::move(entry));
  return says;
}

void Interpreter::add_addresses(NameServer& server) const {
  for (const ReplyRecord& record : reply_.additional()) {
    if (record.owner != server.name || server.addresses.size() >= asked_.most_addresses) continue;
    auto bytes = reinterpret_cast<const uint8_t*>(record.data.data());
    net::IpAddress address;
    if (record.type == type::kA) address = net::IpAddress::v4(bytes);
    if (record.type == type::kAaaa) address = net::IpAddress::v6(bytes);
    if (!address) continue;
    net::Endpoint at{address, 0};
    auto& known = server.addresses;
    if (std::find(known.begin(), known.end(), at) == known.end()) known.push_back(at);
  }
}

/// Fills in the referral from the NS records of a zone. Addresses are believed for names that the server is believed
/// about: it speaks for the parent.
void Interpreter::name_servers(const Records& records, const std::string& zone) {
  meaning_.referral.zone = zone;
  uint32_t ttl = asked_.ttl.most;
  auto& servers = meaning_.referral.servers;
  for (const ReplyRecord& record : records) {
    if (record.type != type::kNs || record.owner != zone) continue;
    ttl = std::min(ttl, record.ttl);
    NameServer server{lower_of(record.data)};
    bool known =
        std::any_of(servers.begin(), servers.end(), [&](const NameServer& other) { return other.name == server.name; });
    if (known || servers.size() >= asked_.most_servers) continue;
    if (is_at_or_below(server.name, asked_.zone)) add_addresses(server);
    servers.push_back(std::move(server));
  }
  meaning_.referral_ttl = ttl;
}

/// RFC 1034 4.3.2 3b.
Says Interpreter::referral() {
  const std::string child = find_referral()->owner;
  if (asked_.type == type::kDs && child == name_) return Says::lame;  // DS is the parent's to answer
  name_servers(reply_.authority(), child);
  if (!collect(reply_.authority(), child, type::kDs, asked_.ttl, meaning_.referral.ds)) return Says::malformed;
  return Says::referral;
}

}  // namespace

Meaning interpret(const Reply& reply, const Asked& asked) {
  return Interpreter(reply, asked).run();
}

Meaning error_meaning(Says says) {
  Meaning meaning;
  meaning.says = says;
  meaning.rcode = rcode::kServFail;
  return meaning;
}

}  // namespace umaya::named
