// NAME    cidr - networks as cidr tables and mynetworks write them
//
// SYNOPSIS
//     auto block = net::parse_cidr("192.0.2.0/24");     // also "[2001:db8::]/32", "[2001:db8::/32]", one address
//     if (block && block->contains(address)) …
//
// ERRORS
//     Permanent, in Postfix's words: bad address, bad length, host bits that are set ("perhaps you should use …").
#pragma once

#include <string_view>

#include "libcommon/base/result.h"
#include "libcommon/net/address.h"

namespace umaya::net {

Result<Network> parse_cidr(std::string_view pattern);

}  // namespace umaya::net
