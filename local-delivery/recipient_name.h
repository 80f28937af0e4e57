// NAME    recipient_name - a local recipient taken apart, and text with its $names
//
// SYNOPSIS
//     RecipientName name = split_recipient("Kim+list@example.com", "+", OwnerRule::special);
//     auto path = expand_names("$home/.forward${recipient_delimiter}${extension}", names, filter);
//
// DESCRIPTION
//     recipient_delimiter is a set of characters; the first of them that occurs in the local part divides user and
//     extension. Not divided: owner-x and x-request (when '-' is a delimiter and owner_request_special is on),
//     mailer-daemon, double-bounce, and names whose user part would be empty.
//     expand_names() replaces $user, $home and so on; characters of the values that are not in the filter become '_'.
//     Values are never expanded in their turn.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "libcommon/base/result.h"

namespace umaya::local_delivery {

enum class OwnerRule : unsigned char { special, plain };

struct RecipientName {
  std::string address;    ///< as given
  std::string local;      ///< left of the last '@', lower case
  std::string domain;     ///< right of it; empty when there is none
  std::string user;       ///< local without extension
  std::string extension;  ///< behind the delimiter
  char delimiter = 0;     ///< the one that was found
};

RecipientName split_recipient(std::string_view address, std::string_view delimiters, OwnerRule owner);

using Names = std::map<std::string, std::string, std::less<>>;

/// Permanent error (of the configuration) for wrong syntax or a name that is not in names.
Result<std::string> expand_names(std::string_view text, const Names& names, std::string_view filter);

/// Characters that are not in the filter become '_'.
std::string filtered(std::string_view text, std::string_view filter);

}  // namespace umaya::local_delivery
