// NAME    dsn - enhanced status codes (RFC 3463) and the encodings of RFC 3461
//
// SYNOPSIS
//     auto [code, text] = smtp::split_dsn("5.1.1 User unknown", "5.0.0");
//     smtp::xtext_encode("a+b");                      // "a+2Bb"
//
// LIMITS
//     A status code is D.D.D with D of 1 to 3 digits and the class 2, 4 or 5; anything else is text.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace umaya::smtp {

/// Length of the status code that text begins with (and that ends there or before white space), 0 when there is none.
size_t dsn_length(std::string_view text);
inline bool valid_dsn(std::string_view code) {
  return !code.empty() && dsn_length(code) == code.size();
}

struct DsnText {
  std::string_view dsn;
  std::string_view text;  ///< without the code and the blanks after it
};
/// Code and text; fallback is the code when text has none.
DsnText split_dsn(std::string_view text, std::string_view fallback);

/// The code with its class replaced by 4 or 5: used when a permanent refusal is softened or the reverse.
std::string dsn_with_class(std::string_view dsn, char new_class);

/// RFC 3461 4: printable ASCII except '+' and '=' stands for itself, the rest is +XX.
std::string xtext_encode(std::string_view text);
/// Nothing when it is not xtext, or when it hides a NUL or another control byte (an injection).
std::optional<std::string> xtext_decode(std::string_view text);
/// RFC 6533 3: decodes utf-8-addr-xtext and utf-8-addr-unitext ("\x{20AC}"); nothing when malformed.
std::optional<std::string> unitext_decode(std::string_view text);

/// When to notify (RFC 3461 4.1). none: the parameter was not given.
enum Notify : uint8_t { kNotifyNone = 0, kNotifyNever = 1, kNotifySuccess = 2, kNotifyFailure = 4, kNotifyDelay = 8 };
/// Bits of Notify; nothing when malformed, empty, or NEVER beside another word.
std::optional<uint8_t> parse_notify(std::string_view value);
/// "SUCCESS,FAILURE,DELAY" or "NEVER"; empty for none.
std::string format_notify(uint8_t notify);

/// How much to return (RFC 3461 4.3).
enum class Ret : uint8_t { none, full, headers };
std::optional<Ret> parse_ret(std::string_view value);

/// An original recipient: "rfc822;user@domain".
struct Orcpt {
  std::string type;     ///< "rfc822", "utf-8": as given
  std::string address;  ///< decoded
};
/// Reads the value of ORCPT=; nothing when malformed. utf8 allows the utf-8 address type (RFC 6533).
std::optional<Orcpt> parse_orcpt(std::string_view value);
/// "type;xtext" for ORCPT= on the wire.
std::string format_orcpt(std::string_view type, std::string_view address);

}  // namespace umaya::smtp
