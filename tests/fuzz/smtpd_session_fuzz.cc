// LINK smtpd_core
// NAME    smtpd_session_fuzz - whole sessions; no message without 250, none for a foreign recipient
#include <cstdint>
#include <string_view>

#include "tests/smtpd/session_bench.h"

using namespace umaya;
using namespace umaya::smtpd;

static size_t count(std::string_view text, std::string_view word) {
  size_t n = 0;
  for (size_t i = text.find(word); i != std::string_view::npos; i = text.find(word, i + 1)) ++n;
  return n;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static Bench bench({"smtpd_forbid_unauth_pipelining = no", "message_size_limit = 5000",
                      "smtpd_relay_restrictions = reject_unauth_destination"});
  std::string_view in(reinterpret_cast<const char*>(data), size);
  bench.cleanup.messages.clear();
  bench.log.clear();
  bench.connect();
  // The first byte says how the rest is cut into segments.
  size_t step = size > 0 && data[0] < 64 ? data[0] + 1u : size + 1;
  std::string replies = bench.take();
  for (size_t i = 0; i < in.size() && !bench.ended; i += step) replies += bench.say(in.substr(i, step));
  bench.disconnect();
  replies += bench.take();
  if (!bench.ended) __builtin_trap();
  if (count(replies, "queued as") > bench.cleanup.messages.size()) __builtin_trap();
  for (const Received& m : bench.cleanup.messages) {
    for (const auto& r : m.recipients) {
      if (r.address.find("foreign") != std::string::npos) __builtin_trap();
    }
    if (m.content.find(std::string_view("\0", 1)) != std::string::npos) __builtin_trap();
  }
  return 0;
}
