// NAME    verp - variable envelope return paths: a sender address that names the recipient
//
// SYNOPSIS
//     verp_sender("owner-list@example.com", "kim@dest.test", "+=")   // owner-list+kim=dest.test@example.com
//
// DESCRIPTION
//     Whoever gets a bounce to such an address knows which subscriber it is about. Addresses are in internal form.
#pragma once

#include <string>
#include <string_view>

namespace umaya::message {

/// Two characters, each of them one of allowed (verp_delimiter_filter).
bool valid_verp_delimiters(std::string_view delimiters, std::string_view allowed);

/// The sender for one recipient; the sender as it is when it is null or delimiters are not two characters.
std::string verp_sender(std::string_view sender, std::string_view recipient, std::string_view delimiters);

}  // namespace umaya::message
