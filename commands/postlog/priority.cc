#include "commands/postlog/priority.h"

#include <utility>

namespace umaya::postlog {

std::optional<log::Level> parse_priority(std::string_view word) {
  static constexpr std::pair<std::string_view, log::Level> kPriorities[] = {
      {"info", log::Level::info},   {"warn", log::Level::warning}, {"warning", log::Level::warning},
      {"error", log::Level::error}, {"fatal", log::Level::fatal},  {"panic", log::Level::panic}};
  for (const auto& [name, level] : kPriorities) {
    if (name == word) return level;
  }
  return {};
}

}  // namespace umaya::postlog
