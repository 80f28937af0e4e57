// NAME    routes - who is asked about a name: we ourselves, a forwarder, a stub's servers, or the tree
//
// DESCRIPTION
//     For each view the zones that the configuration treats in a way of its own, found by the longest name that holds
//     the question. Names that are never to be asked for on the network (localhost, RFC 6303 reverse zones, .onion,
//     .invalid) are zones of that kind, unless the configuration says something about them or above them in the same
//     branch.
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>

#include "named-lite/recursion/meaning.h"
#include "named-lite/recursion/settings.h"

namespace umaya::named {

enum class RouteKind : unsigned char {
  tree,     ///< from the root downwards
  forward,  ///< `forward`; without servers it is as `tree`
  stub,     ///< `stub` stands in for the zone's delegation
  special,  ///< answered here: there is nothing, or localhost's addresses
};

struct Route {
  RouteKind kind = RouteKind::tree;
  std::string zone{};
  const ForwardZone* forward = nullptr;
  const StubZone* stub = nullptr;
};

class Routes {
 public:
  /// The settings must outlive it.
  explicit Routes(const ViewRecursion& view);
  /// name: wire form, lower case.
  const Route& find(std::string_view name) const;

 private:
  std::unordered_map<std::string, Route> zones_;
  Route tree_;
};

/// The answer about a name of a special zone.
Entry special_answer(std::string_view zone, std::string_view name, uint16_t type);

}  // namespace umaya::named
