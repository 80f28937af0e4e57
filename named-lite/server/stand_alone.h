// NAME    stand_alone - named-lite started as BIND's named is, without master
#pragma once

#include <span>

namespace umaya::named {

/// named-lite [-f | -g] [-c file] [-p port] [-u user] [-4] [-6]: gives the exit code when the server has been stopped.
int run_stand_alone(std::span<char* const> arguments);

}  // namespace umaya::named
