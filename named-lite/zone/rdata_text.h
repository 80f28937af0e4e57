// NAME    rdata_text - the data of a record, from the words of a zone file to wire form
//
// DESCRIPTION
//     Driven by the layout of types.h; `\# length hexadecimal` is understood for every type (RFC 3597 5). SVCB and
//     HTTPS have a parser of their own (service_binding.h); other types without a layout go through ldns.
//
// ERRORS
//     A Complaint names the word that is wrong, and what to write in its place.
#pragma once

#include <span>
#include <string>

#include "named-lite/dns/name.h"
#include "named-lite/zone/scanner.h"

namespace umaya::named {

struct Complaint {
  const Token* at = nullptr;  ///< nullptr: something is missing at the end
  std::string what;
  std::string replacement;  ///< for that word; empty when there is no guess
};

/// Appends the wire form to out. False with the complaint filled in when the words do not fit the type.
bool parse_rdata(uint16_t type, std::span<const Token> words, const Name& origin, std::string& out,
                 Complaint& complaint);
/// "3600", "1h30m", "2D" in seconds, at most 2^31-1 (RFC 2181 8); nothing when it is not a time.
bool parse_ttl(std::string_view text, uint32_t& seconds);

}  // namespace umaya::named
