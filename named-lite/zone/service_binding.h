// NAME    service_binding - the data of SVCB and HTTPS records, from the words of a zone file to wire form
//
// SYNOPSIS
//     Complaint complaint;
//     bool right = parse_service_binding(words, origin, out, complaint);    // 1 . alpn=h2,h3 port="8443"
//     ipv4hint=192.0.2.1
//
// DESCRIPTION
//     RFC 9460: priority, target, then parameters in any order: mandatory, alpn, no-default-alpn, port, ipv4hint, ech,
//     ipv6hint (section 7 and 14.3.2), dohpath (RFC 9461), ohttp (RFC 9540), and keyNNNNN for every other. On the wire
//     they stand in the order of their numbers (section 2.2). A parameter may not stand twice, no-default-alpn wants
//     alpn, and what mandatory names must be there (section 2.4.3, 7.1.1, 8).
//
// ERRORS
//     The complaint names the word and what is wrong with it; what was appended to out by then is of no use.
#pragma once

#include <span>
#include <string>

#include "named-lite/dns/name.h"
#include "named-lite/zone/rdata_text.h"
#include "named-lite/zone/scanner.h"

namespace umaya::named {

/// Appends the wire form to out. False with the complaint filled in when the words are none.
bool parse_service_binding(std::span<const Token> words, const Name& origin, std::string& out, Complaint& complaint);

}  // namespace umaya::named
