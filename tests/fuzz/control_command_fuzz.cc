// LINK named-lite_core
// NAME    control_command_fuzz - any line is a command or is refused; its words give the same command again
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "named-lite/control/command.h"

using namespace umaya::named;

namespace {

std::string zone_text(const Command& command) {
  return command.zone ? command.zone->name.text() + " " + command.zone->view : std::string();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view line(reinterpret_cast<const char*>(data), size);
  auto command = parse_command(line);
  if (!command) {
    if (command.error().what.empty()) abort();
    return 0;
  }
  if (verb_info(command->verb).verb != command->verb) abort();
  // The same as words: what was a zone and a view is one again.
  if (!command->zone || command->clean || command->force) return 0;
  std::string name = command->zone->name.text();
  std::vector<std::string_view> words{verb_info(command->verb).word, name, "IN"};
  if (!command->zone->view.empty()) words.push_back(command->zone->view);
  auto again = parse_command(command_line(words));
  if (!again && command_line(words).size() <= Command::kMostLine) abort();
  if (again && (again->verb != command->verb || zone_text(*again) != zone_text(*command))) abort();
  return 0;
}
