// LINK pop3d_core
// NAME    pop3_command_fuzz - any line is taken apart without harm; TOP cuts at the same place however it is fed
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "pop3d/command.h"
#include "pop3d/top_filter.h"

using namespace umaya::pop3d;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view input(reinterpret_cast<const char*>(data), size);
  Command command = parse_command(input);
  if (const VerbInfo* verb = find_verb(command.verb)) (void)allowed_in(*verb, State::transaction);
  for (std::string_view argument : command.arguments) {
    auto number = parse_message_number(argument, 100);
    if (number && (*number < 1 || *number > 100)) abort();
  }
  if (size == 0) return 0;
  uint64_t lines = data[0] % 8;
  TopFilter whole(lines);
  std::string expected(whole.take(input));
  TopFilter by_octet(lines);
  std::string got;
  for (size_t i = 0; i < size && !by_octet.done(); ++i) got += by_octet.take(input.substr(i, 1));
  if (got != expected) abort();
  return 0;
}
