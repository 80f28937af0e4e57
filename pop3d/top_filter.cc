#include "pop3d/top_filter.h"

#include <algorithm>

namespace umaya::pop3d {

std::string_view TopFilter::take(std::string_view block) {
  if (left_ == kAll) return block;
  if (done_) return {};
  for (size_t at = 0; at < block.size();) {
    size_t end = std::min(block.find('\n', at), block.size());
    std::string_view text = block.substr(at, end - at);
    if (!text.empty()) line_ = line_ == Line::empty && text == "\r" ? Line::cr : Line::text;
    if (end == block.size()) return block;  // the line goes on in the next block
    if (!in_header_) --left_;
    if (in_header_ && line_ != Line::text) in_header_ = false;
    line_ = Line::empty;
    at = end + 1;
    if (!in_header_ && left_ == 0) {
      done_ = true;
      return block.substr(0, at);
    }
  }
  return block;
}

}  // namespace umaya::pop3d
