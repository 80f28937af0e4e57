// NAME    reject_footer - what is put behind every 4xx and 5xx reply (smtpd_reject_footer, smtpd_reject_footer_maps)
//
// DESCRIPTION
//     A template: $client_address, $client_port, $localtime and $server_name (also in ${…}) are replaced, "$$" is a
//     dollar, "\n" begins a new line of the reply. A template that begins with "\c" goes on in the reply's last line.
//     Characters of a value that are not in smtpd_expansion_filter become '_'.
//
// ERRORS
//     Any other $name is a mistake in main.cf; the footer is then not used.
#pragma once

#include <string>
#include <string_view>

#include "libcommon/base/result.h"

namespace umaya::smtpd {

struct FooterFacts {
  std::string_view client_address;
  std::string client_port;
  std::string localtime;  ///< "Nov 22 15:42:00"
  std::string_view server_name;
  std::string_view allowed{};  ///< characters of values that stay; empty: all of them
};

/// A text with the escapes of C undone: \t, \40 (octal), \\ and the like.
std::string without_escapes(std::string_view text);

/// The reply's text with the footer behind it.
Result<std::string> with_footer(std::string_view text, std::string_view footer, const FooterFacts& facts);

}  // namespace umaya::smtpd
