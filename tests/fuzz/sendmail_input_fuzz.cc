// LINK submission_core
// NAME    sendmail_input_fuzz - the text on sendmail's standard input, and its options
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "libcommon/base/strings.h"
#include "submission/message_input.h"
#include "submission/sendmail_options.h"

using namespace umaya;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view bytes(reinterpret_cast<const char*>(data), size);
  for (auto endings : {submission::LineEndings::always, submission::LineEndings::strict}) {
    submission::MessageInput whole({.line_endings = endings}), pieces({.line_endings = endings});
    std::string a = whole.feed(bytes), b;
    for (size_t at = 0; at < size; at += 2) b += pieces.feed(bytes.substr(at, 2));
    if (a + whole.finish() != b + pieces.finish()) std::abort();
  }
  std::vector<std::string> words = {"sendmail"};
  for (std::string_view word : split(bytes, "\n")) words.emplace_back(word);
  (void)submission::parse_sendmail_options(words);
  return 0;
}
