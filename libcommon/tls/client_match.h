// NAME    client_match - whether the names of a certificate are those that a client wants to see
//
// SYNOPSIS
//     auto wanted = tls::expand_match({"nexthop", "dot-nexthop"}, "mx1.example.net", "example.net");
//     for (std::string_view name : names_of_the_certificate) found = found || tls::matches_name(name, wanted, …);
//
// DESCRIPTION
//     What is wanted is a name ("mail.example"), or with a dot in front any name below a domain (".example"); the words
//     hostname, nexthop and dot-nexthop stand for the server's name and the destination. A certificate's name may begin
//     with "*.", which covers one label, or several (tls_wildcard_matches_multiple_labels); a star elsewhere covers
//     nothing. Case does not count. A name with a NUL or anything that no host name has never matches: RFC 6125 6.
//
//     Fingerprints are compared without regard to case.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace umaya::tls {

/// How much a leading "*." covers.
enum class Wildcards : uint8_t { one_label, many_labels };

/// Puts names in the place of hostname, nexthop and dot-nexthop. nexthop comes without brackets and port.
std::vector<std::string> expand_match(std::span<const std::string> words, std::string_view host,
                                      std::string_view nexthop);
/// Whether a name of a certificate is one of the wanted ones.
bool matches_name(std::string_view certificate_name, std::span<const std::string> wanted, Wildcards wildcards);
/// Whether a fingerprint ("AB:CD:…") is one of the wanted ones.
bool matches_fingerprint(std::string_view fingerprint, std::span<const std::string> wanted);

}  // namespace umaya::tls
