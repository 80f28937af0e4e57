// NAME    build_tree - where the programs lie when they run from the folder they were built in
#pragma once

#include <optional>
#include <string>

namespace umaya::config {

/// The build folder when this program runs out of one (its bin/, libexec/ or tests/ beside CMakeCache.txt), so that an
/// uninstalled build finds its daemons; nothing when it is installed.
std::optional<std::string> build_tree();

}  // namespace umaya::config
