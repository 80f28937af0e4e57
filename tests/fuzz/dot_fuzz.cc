// LINK umaya_smtp
// NAME    dot_fuzz - the dot decoder whole and in pieces, and encoding what it gave
#include <cstdint>
#include <string>
#include <string_view>

#include "libcommon/smtp/dot.h"

using namespace umaya::smtp;

static size_t decode(std::string_view in, size_t step, std::string& out, bool& done) {
  DotDecoder decoder;
  auto sink = [&](std::string_view piece) { out.append(piece); };
  size_t used = 0;
  for (size_t i = 0; i < in.size() && !decoder.done(); i += step) used += decoder.feed(in.substr(i, step), sink);
  done = decoder.done();
  return used;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view in(reinterpret_cast<const char*>(data), size);
  std::string whole, bytes, again;
  bool done = false, done_bytes = false, done_again = false;
  size_t used = decode(in, size + 1, whole, done);
  if (decode(in, 1, bytes, done_bytes) != used || bytes != whole || done != done_bytes) __builtin_trap();
  DotEncoder encoder({.line_limit = 0, .dots = DotEncoder::Dots::stuffed, .bare_cr = DotEncoder::BareCr::keep});
  std::string wire;
  auto sink = [&](std::string_view piece) { wire.append(piece); };
  encoder.feed(whole, sink);
  encoder.finish(sink);
  if (decode(wire, wire.size() + 1, again, done_again) != wire.size() || !done_again) __builtin_trap();
  if (done && again != whole) __builtin_trap();
  return 0;
}
