#include "smtpd/route_policy.h"

namespace umaya::smtpd {

static DomainClass class_of(route::AddressClass c) {
  switch (c) {
    case route::AddressClass::local:
      return DomainClass::local;
    case route::AddressClass::virtual_alias:
      return DomainClass::virtual_alias;
    case route::AddressClass::virtual_mailbox:
      return DomainClass::virtual_mailbox;
    case route::AddressClass::relay:
      return DomainClass::relay;
    case route::AddressClass::other:
      break;
  }
  return DomainClass::other;
}

Target RoutePolicy::resolve(std::string_view sender, std::string_view address) {
  route::Resolution to = router_.resolve(sender, router_.rewrite(address));
  Target target;
  target.domain_class = class_of(to.address_class);
  target.address = std::move(to.recipient);
  target.routed = to.routed;
  target.malformed = to.bad_syntax;
  target.transport = std::move(to.transport);
  target.nexthop = std::move(to.nexthop);
  target.failure = std::move(to.error);
  return target;
}

Listing RoutePolicy::recipient_listed(std::string_view sender, std::string_view address) {
  route::Validity validity = router_.check_recipient(sender, router_.rewrite(address));
  Listing listing;
  listing.text = std::move(validity.text);
  listing.dsn = std::move(validity.dsn);
  switch (validity.kind) {
    case route::Validity::Kind::valid:
      listing.listed = Listed::yes;
      break;
    case route::Validity::Kind::unknown:
    case route::Validity::Kind::unavailable:
      listing.listed = Listed::no;
      break;
    case route::Validity::Kind::error:
      listing.listed = Listed::failed;
      break;
  }
  return listing;
}

}  // namespace umaya::smtpd
