// LINK umaya_mailbox
#include <cstdint>
#include <cstdlib>

#include "libcommon/mailbox/content.h"

using namespace umaya::mailbox;

namespace {

// Takes one '>' from quoted From_ lines: the inverse of mboxrd quoting.
std::string unquote(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    std::string_view line = text.substr(0, std::min(text.find('\n'), text.size() - 1) + 1);
    text.remove_prefix(line.size());
    size_t quotes = std::min(line.find_first_not_of('>'), line.size());
    bool from = line.substr(quotes).starts_with("From ");
    if (from && quotes == 0) abort();  // a line that would start a message of its own
    out += from ? line.substr(1) : line;
  }
  return out;
}

}  // namespace

// Input: one byte that chooses the size of pieces, then content. Quoting can be undone, and pieces do not matter.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  size_t piece = data[0] + 1u;
  std::string_view content(reinterpret_cast<const char*>(data) + 1, size - 1);
  std::string plain;
  TextConverter whole({});
  whole.feed(content, plain);
  whole.finish(plain);
  std::string quoted;
  TextConverter pieces({.quote_from = true});
  for (size_t at = 0; at < content.size(); at += piece) pieces.feed(content.substr(at, piece), quoted);
  pieces.finish(quoted);
  if (unquote(quoted) != plain) abort();
  return 0;
}
