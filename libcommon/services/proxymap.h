// NAME    proxymap service - private/proxymap, look-ups in tables that the asking process may not open
//
// DESCRIPTION
//     A Query is answered with an Answer. The structs stand with the tables (libcommon/table), whose proxy: type asks.
#pragma once

#include "libcommon/table/proxy_protocol.h"

namespace umaya::services::proxymap {

inline constexpr std::string_view kSocket = table::kProxymapSocket;
using Query = table::ProxyQuery;
using Found = table::ProxyFound;
using Answer = table::ProxyAnswer;

}  // namespace umaya::services::proxymap
