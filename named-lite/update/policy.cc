#include "named-lite/update/policy.h"

#include <algorithm>

#include "named-lite/dns/types.h"

namespace umaya::named {

namespace {

bool admits_somebody(const Acl& acl) {
  return std::any_of(acl.begin(), acl.end(), [](const AclElement& element) {
    if (element.negated) return false;
    return element.kind != AclElement::Kind::nested || admits_somebody(element.nested);
  });
}

/// "*.ex.test." fits what is below ex.test., not ex.test. itself.
bool fits_wildcard(std::string_view name, std::string_view pattern) {
  if (!pattern.starts_with(std::string_view("\1*", 2))) return same_name(name, pattern);
  std::string_view parent = pattern.substr(2);
  return name.size() > parent.size() && is_at_or_below(name, parent);
}

Name reverse_name(const net::IpAddress& address) {
  return *Name::from_text(address.reverse_name());
}

/// Whether the owner is one that the rule speaks of.
bool fits_name(const UpdateRule& rule, const UpdateRequester& client, std::string_view zone, std::string_view owner) {
  std::string_view key = client.requester.key != nullptr ? client.requester.key->wire() : std::string_view();
  switch (rule.type) {
    case RuleType::name:
      return same_name(owner, rule.name.wire());
    case RuleType::subdomain:
      return is_at_or_below(owner, rule.name.wire());
    case RuleType::zonesub:
      return is_at_or_below(owner, zone);
    case RuleType::wildcard:
      return fits_wildcard(owner, rule.name.wire());
    case RuleType::self:
      return same_name(owner, key);
    case RuleType::selfsub:
      return is_at_or_below(owner, key);
    case RuleType::selfwild:
      return owner.size() > key.size() && is_at_or_below(owner, key);
    case RuleType::tcp_self:
      return same_name(owner, reverse_name(client.requester.address).wire());
  }
  return false;
}

bool fits_identity(const UpdateRule& rule, const UpdateRequester& client) {
  if (rule.type == RuleType::tcp_self) {
    return client.over_tcp && fits_wildcard(reverse_name(client.requester.address).wire(), rule.identity.wire());
  }
  return client.requester.key != nullptr && fits_wildcard(client.requester.key->wire(), rule.identity.wire());
}

/// Types that a rule without a list of types does not speak of.
bool is_reserved(uint16_t type) {
  return type == type::kNs || type == type::kSoa || type == type::kRrsig || type == type::kNsec || type == type::kNsec3;
}

std::optional<Grant> fits_type(const UpdateRule& rule, uint16_t type) {
  if (rule.types.empty()) {
    if (is_reserved(type)) return std::nullopt;
    return Grant{true, 0};
  }
  for (const UpdateRule::Limit& limit : rule.types) {
    bool any = limit.type == type::kAny && type != type::kNsec && type != type::kNsec3;
    if (limit.type == type || any) return Grant{true, limit.most};
  }
  return std::nullopt;
}

}  // namespace

bool allows_somebody(const AclRef& allow_update, const UpdatePolicy& rules) {
  return !rules.empty() || (allow_update != nullptr && admits_somebody(*allow_update));
}

bool may_update(const UpdateAccess& access, const UpdateRequester& client) {
  if (access.rules.empty()) return (access.allow_update != nullptr && admits(*access.allow_update, client.requester));
  return std::any_of(access.rules.begin(), access.rules.end(),
                     [&](const UpdateRule& rule) { return rule.grant && fits_identity(rule, client); });
}

Grant grants(const UpdateAccess& access, const UpdateRequester& client, std::string_view zone, std::string_view owner,
             uint16_t type) {
  if (access.rules.empty())
    return {(access.allow_update != nullptr && admits(*access.allow_update, client.requester)), 0};
  for (const UpdateRule& rule : access.rules) {
    if (!fits_identity(rule, client) || !fits_name(rule, client, zone, owner)) continue;
    auto fits = fits_type(rule, type);
    if (!fits) continue;
    fits->allowed = rule.grant;
    return *fits;
  }
  return {};
}

}  // namespace umaya::named
