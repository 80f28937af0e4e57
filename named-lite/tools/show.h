// NAME    show - what the checkers print
#pragma once

#include <cstdio>
#include <string_view>

#include "named-lite/zone/problem.h"

namespace umaya::named {

/// Sorted, one a line.
void show_problems(Problems& problems, std::FILE* where);
/// Says why and what may be written; gives the exit code for that.
int show_usage(std::string_view why, std::string_view usage);
/// "named-lite", for -v.
int show_version();
/// The same with how it was built and where its files are, for -V.
int show_build();
/// chroot(2), for -t; false after a message.
bool change_root(std::string_view directory);

}  // namespace umaya::named
