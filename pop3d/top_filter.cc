#include "pop3d/top_filter.h"

#include <algorithm>

namespace umaya::pop3d {

std::string_view TopFilter::take(std::string_view block) {
  if (left_ == kAll) return block;
  if (done_) return {};
  for (size_t at = 0; at < block.size();) {
    size_t end = std::min(block.find('\n', at), block.size());
    std::string_view text = block.substr(at, end - at);
    line_empty_ = line_empty_ && (text.empty() || text == "\r");
    if (end == block.size()) return block;  // the line goes on in the next block
    if (!in_header_) --left_;
    if (in_header_ && line_empty_) in_header_ = false;
    line_empty_ = true;
    at = end + 1;
    if (!in_header_ && left_ == 0) {
      done_ = true;
      return block.substr(0, at);
    }
  }
  return block;
}

}  // namespace umaya::pop3d
