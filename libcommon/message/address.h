// NAME    address - mail addresses: envelope paths, header address lists, internal and external form
//
// SYNOPSIS
//     auto path = message::parse_path("<\"a b\"@Example.org>", {});      // path->address == "a b@Example.org"
//     auto [local, domain, qualified] = message::split_address(path->address);
//     message::to_external("a b@example.org");                           // "\"a b\"@example.org"
//     for (auto& a : message::parse_address_list(value).addresses) …
//
// DESCRIPTION
//     Inside Umaya an address is one string in internal form: the local part without its quotes, '@', the domain as it
//     was written. The last '@' divides the two; there is none in an unqualified address, and the null sender is the
//     empty string. External form is what goes over the wire and into headers: a local part that is not a plain
//     dot-string stands in quotes.
//     Route characters in a local part ('%', '!', a second '@') are data here: whether they mean anything is decided
//     by libcommon/route, and refused or not by smtpd.
//
// OWNERSHIP
//     Views borrow from the argument; every parsed address owns its bytes.
//
// LIMITS
//     Domain 255 octets, path 254 octets without its brackets (RFC 5321 4.5.3.1), local part 64 octets only when
//     asked to be strict: the RFC asks not to refuse longer ones, and VERP senders have them.
//     Header lists stop after Limits::max_tokens tokens (header_address_token_limit). All parsers are linear.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace umaya::message {

inline constexpr size_t kMaxLocalPart = 64;
inline constexpr size_t kMaxDomain = 255;
inline constexpr size_t kMaxPath = 254;

/// The two halves of an address in internal form.
struct SplitAddress {
  std::string_view local;
  std::string_view domain;  ///< empty when not qualified
  bool qualified = false;   ///< there is an '@'
};

/// Divides at the last '@'.
SplitAddress split_address(std::string_view internal);

/// Internal form to external form: quotes the local part where needed (RFC 5321 4.1.2). "" gives "".
std::string to_external(std::string_view internal);

/// External form to internal form, as far as it parses; what does not parse comes back unchanged.
std::string to_internal(std::string_view external);

/// True when the local part must be quoted in external form.
bool needs_quotes(std::string_view local);

/// Domain in the one form in which domains are compared: lower case, without a final dot, A-labels (IDNA 2008).
/// Nothing when IDNA refuses it or it is longer than 255 octets. Literals keep their brackets.
std::optional<std::string> canonical_domain(std::string_view domain);

/// Canonical form of a whole address: local part as it is, domain canonical (or as it is, if it has no canonical form).
std::string canonical_address(std::string_view internal);

/// U-label form of a domain for display; the argument itself when it cannot be converted.
std::string domain_to_utf8(std::string_view domain);

enum class PathError : uint8_t {
  syntax,     ///< not a path: 501 5.1.7 or 5.1.3
  too_long,   ///< a part is over its limit: 501 5.1.3, 5.1.7
  non_ascii,  ///< bytes above 127 without SMTPUTF8: 553 5.6.7
  bad_utf8,   ///< SMTPUTF8, but not UTF-8: 501
};

struct PathOptions {
  bool smtputf8 = false;  ///< UTF-8 may stand in both parts
  bool strict = false;    ///< strict_rfc821_envelopes: brackets needed, nothing around them, 64 octets of local part
};

struct Path {
  std::string address;        ///< internal form; empty for <>
  bool source_route = false;  ///< a route "@a,@b:" was there, and is ignored (RFC 5321 appendix C)
};

/// Reads the reverse-path or forward-path of MAIL or RCPT: the text between the colon and the first parameter.
std::expected<Path, PathError> parse_path(std::string_view text, PathOptions options);

/// An address in a header's list. begin and end are offsets into the value: what a rewriter replaces by
/// to_external(new address). For "Full Name <a@b>" they hold "a@b", for "a@b (Full Name)" the address without comment.
struct ListedAddress {
  size_t begin = 0;
  size_t end = 0;
  std::string address;        ///< internal form, empty for "<>"
  std::string_view phrase{};  ///< the display name in front of '<', as written, trimmed
  bool in_brackets = false;
};

struct AddressList {
  std::vector<ListedAddress> addresses;
  bool truncated = false;  ///< the token limit was reached; the rest of the value was not looked at
};

struct ListLimits {
  size_t max_tokens = 10240;
};

/// Reads the value of From:, To: and the like (RFC 5322 3.4, with its obsolete forms): comments, groups, phrases,
/// routes. A list without commas ("a b") is read as several addresses. Never fails: what cannot be read is skipped.
AddressList parse_address_list(std::string_view value, ListLimits limits = {});

/// True when the local part holds '@', '%' or '!': somebody asks us to route (allow_untrusted_routing).
bool has_route_characters(std::string_view local);
/// "host!user" read as user@host: the part before the first '!' is the host. Nothing when there is no '!'.
std::optional<std::string> bang_to_domain(std::string_view local);
/// "user%host" read as user@host: the last '%' becomes '@'. Nothing when there is no '%'.
std::optional<std::string> percent_to_domain(std::string_view local);

}  // namespace umaya::message
