// NAME    show - answer a request with text
#pragma once

#include <string>
#include <vector>

#include "commands/postconf/request.h"

namespace umaya::postconf {

/// For standard output, and lines for standard error.
struct Answer {
  std::string text;
  std::vector<std::string> warnings;
};

/// Answers a request with Action::show; reads the files in request.directory.
Result<Answer> show(const Request& request);

/// Carries out a request with Action::edit: the changed file replaces the old one as a whole, with its owner and mode.
Result<Answer> edit(const Request& request);

}  // namespace umaya::postconf
