// LINK local-delivery_core
#include <cstdint>
#include <cstdlib>

#include "libcommon/base/strings.h"
#include "local-delivery/pipe_arguments.h"

using namespace umaya;
using namespace umaya::local_delivery;

// Input: the attributes, one a line; after an empty line the recipient. Every argument keeps its place.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  size_t gap = text.find("\n\n");
  std::vector<std::string> arguments;
  for (std::string_view line : split(text.substr(0, gap), "\n")) arguments.emplace_back(line);
  auto command = parse_pipe_arguments(arguments);
  if (!command) return 0;
  PipeMessage message;
  message.recipient_delimiter = "+-";
  message.sender = "sender@example.com";
  message.recipients = {{gap == text.npos ? "kim@example.com" : std::string(text.substr(gap + 2)), ""}};
  auto argv = expand_argv(*command, message);
  if (argv && argv->size() != command->argv.size()) abort();
  return 0;
}
