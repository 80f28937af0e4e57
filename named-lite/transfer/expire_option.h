// NAME    expire_option - how long a zone may still be served by who copies it (RFC 7314)
//
// SYNOPSIS
//     ask_for_expire(question);                                  // in a secondary
//     if (auto seconds = expire_in_answer(message)) …
//     std::string option = expire_option(seconds);               // in who is asked
//
// DESCRIPTION
//     A secondary of a secondary must not keep a zone longer than its own source may: the option tells what is left of
//     that time. It stands in the OPT record of a SOA question or transfer and of its answer.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace umaya::named {

/// Adds an OPT record that asks for the time to a question that has none.
void ask_for_expire(std::string& question);
/// Seconds; nothing when the answer does not tell, or is malformed.
std::optional<uint32_t> expire_in_answer(std::string_view message);

/// The option that tells it, in wire form.
std::string expire_option(uint32_t seconds);
/// Octets that add_opt() needs.
size_t opt_size(std::string_view options);
/// Appends an OPT record with these options to the message in the first octets of out, which has none; its new size.
size_t add_opt(std::span<char> out, size_t size, std::string_view options);

}  // namespace umaya::named
