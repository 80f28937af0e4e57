// LINK umaya_message
// NAME    mime_fuzz - MIME structure, whole and in pieces
#include <cstdint>
#include <string>
#include <string_view>

#include "libcommon/message/mime.h"

using namespace umaya::message;

namespace {

struct Recorder : MimeEvents {
  std::string out;
  void on_header(HeaderClass c, const Header& h) override {
    out.push_back(static_cast<char>('0' + static_cast<int>(c)));
    out.append(h.raw).append("\n");
  }
  void on_headers_end(HeaderClass, bool separator) override { out.push_back(separator ? '|' : '!'); }
  void on_body_line(std::string_view line, bool complete) override { out.append(line).append(complete ? "\n" : ""); }
};

std::string scan(std::string_view in, size_t step) {
  Recorder recorder;
  MimeScanner scanner(recorder, {.header_size = 1000, .nesting = 10, .boundary = 70, .parts = 50, .line = 100});
  for (size_t i = 0; i < in.size(); i += step) scanner.feed(in.substr(i, step));
  scanner.finish();
  return recorder.out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view in(reinterpret_cast<const char*>(data), size);
  if (scan(in, size + 1) != scan(in, 1)) __builtin_trap();
  (void)parse_content_type(in);
  return 0;
}
