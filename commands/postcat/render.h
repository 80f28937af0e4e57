// NAME    render - the parts of a queue file as text
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "libcommon/queue/message_file.h"

namespace umaya::postcat {

/// What is shown, and how.
struct View {
  bool envelope = true;
  bool header = true;
  bool body = true;
  bool types = false;    ///< -d: the record type as a number in front
  bool offsets = false;  ///< -o: the offset in the file in front
  uint64_t skip = 0;     ///< -s: records that begin before this offset in the file are left out
};

/// Prints the message; path stands in the section marks. put is called with pieces of the text.
Result<> render(queue::MessageReader& message, std::string_view path, const View& view,
                const std::function<void(std::string_view)>& put);

}  // namespace umaya::postcat
