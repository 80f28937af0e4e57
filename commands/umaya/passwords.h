// NAME    passwords - reading passwords from a person or a pipe
#pragma once

#include "libcommon/base/result.h"
#include "libcommon/base/secret.h"

namespace umaya::commands {

/// Whether a new password is asked for twice.
enum class Typing : unsigned char { once, twice };

/// From the terminal, not shown while it is typed; from standard input, its first line, when that is no terminal.
Result<Secret> read_password(std::string_view prompt, Typing typing);

}  // namespace umaya::commands
