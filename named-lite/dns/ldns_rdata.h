// NAME    ldns_rdata - data of rare record types, read by ldns
//
// DESCRIPTION
//     For types whose text form is long to read and seldom used (LOC, APL, NSEC3, SVCB …). The one place in named-lite
//     that includes ldns.
#pragma once

#include <span>
#include <string>

#include "named-lite/dns/name.h"
#include "named-lite/dns/types.h"
#include "named-lite/zone/scanner.h"

namespace umaya::named {

/// Appends the wire form to out; false with the reason in why.
bool parse_with_ldns(const TypeInfo& info, std::span<const Token> words, const Name& origin, std::string& out,
                     std::string& why);

}  // namespace umaya::named
