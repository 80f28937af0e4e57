// NAME    address_test - the dialogue of sendmail -bt: what would be done with an address
//
// DESCRIPTION
//     Commands, one a line: an address or "/parse ADDRESS" (how it is rewritten, mapped and resolved, step by step),
//     "/mx DOMAIN" (the hosts that would be tried, in order), "?" and "/quit". The same code as the daemons' decides.
#pragma once

#include <string>
#include <string_view>

#include "libcommon/config/config.h"
#include "libcommon/route/router.h"

namespace umaya::submission {

/// Reads commands from standard input until "/quit" or its end; gives the exit status.
int address_test(const config::Config& config);

/// The answer to "/parse": steps and results, each line ended.
std::string explain_address(route::Router& router, std::string_view address);

/// The hosts for a domain, or why there are none.
std::string explain_mx(const config::Config& config, std::string_view domain);

}  // namespace umaya::submission
