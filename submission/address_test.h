// NAME    address_test - the dialogue of sendmail -bt: what would be done with an address
#pragma once

#include "libcommon/config/config.h"

namespace umaya::submission {

/// Reads commands from standard input until "/quit" or its end; gives the exit status.
int address_test(const config::Config& config);

}  // namespace umaya::submission
