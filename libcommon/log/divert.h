// NAME    divert - a program that has a log of its own
//
// SYNOPSIS
//     log::divert([&](log::Level level, std::string_view text) { return own.take(level, text); });
//
// DESCRIPTION
//     Each line is offered to the sink; what it does not take (false) is written as ever, also what is written while
//     the sink works. The text is printable already. nullptr ends it.
#pragma once

#include <functional>
#include <string_view>

#include "libcommon/log/log.h"

namespace umaya::log {

void divert(std::function<bool(Level, std::string_view)> sink);
/// As many as -v options: debug lines are written when > 0.
void set_verbosity(int verbose);

}  // namespace umaya::log
