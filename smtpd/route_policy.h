// NAME    route_policy - the address policy over libcommon/route
#pragma once

#include "libcommon/route/router.h"
#include "smtpd/address_policy.h"

namespace umaya::smtpd {

class RoutePolicy : public AddressPolicy {
 public:
  /// The router must outlive this object.
  explicit RoutePolicy(route::Router& router) : router_(router) {}
  Target resolve(std::string_view sender, std::string_view address) override;
  Target final_target(std::string_view sender, std::string_view address) override;
  Listing recipient_listed(std::string_view sender, std::string_view address) override;
  void refresh() override { router_.refresh(); }

 private:
  route::Router& router_;
};

}  // namespace umaya::smtpd
