#include "cleanup/scanner.h"

namespace umaya::cleanup {

Scanner::Scanner(Depth depth, const message::MimeLimits& limits)
    : depth_(depth), headers_({.header_size = limits.header_size}), mime_(*this, limits) {}

void Scanner::feed(std::string bytes) {
  if (depth_ == Depth::structure) return mime_.feed(bytes);
  if (!headers_over_) {
    auto on = [this](const message::Header& header) { on_header(message::HeaderClass::primary, header); };
    size_t used = headers_.feed(bytes, on);
    if (!headers_.done()) return;
    end_simple_headers();
    bytes.erase(0, used);
  }
  if (!bytes.empty()) events_.push_back({EventKind::body_block, {}, std::move(bytes), true});
}

void Scanner::finish() {
  if (depth_ == Depth::structure) return mime_.finish();
  if (headers_over_) return;
  auto on = [this](const message::Header& header) { on_header(message::HeaderClass::primary, header); };
  headers_.finish(on);
  end_simple_headers();
}

void Scanner::end_simple_headers() {
  headers_over_ = true;
  bool separator = headers_.separator() == message::HeaderScanner::Separator::empty_line;
  on_headers_end(message::HeaderClass::primary, separator);
  if (!headers_.body_start().empty()) {
    events_.push_back({EventKind::body_block, {}, std::string(headers_.body_start()), true});
  }
}

void Scanner::on_header(message::HeaderClass header_class, const message::Header& header) {
  events_.push_back({EventKind::header, header_class, std::string(header.raw), true});
}

void Scanner::on_headers_end(message::HeaderClass header_class, bool separator) {
  events_.push_back({EventKind::headers_end, header_class, {}, separator});
}

void Scanner::on_body_line(std::string_view line, bool complete) {
  events_.push_back({EventKind::body_line, {}, std::string(line), complete});
}

}  // namespace umaya::cleanup
