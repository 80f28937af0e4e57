// LINK smtpd_core
// NAME    smtpd_session_fuzz - whole sessions; no message without 250, none for a foreign recipient
#include <cstdint>
#include <string_view>

#include "tests/smtpd/session_bench.h"

using namespace umaya;
using namespace umaya::smtpd;

/// Replies that say a message is ours now. What a client wrote may be quoted in a reply, but not at its beginning.
static size_t count_promises(std::string_view replies) {
  size_t count = 0;
  while (!replies.empty()) {
    std::string_view line = replies.substr(0, replies.find('\n'));
    if (line.starts_with("250 2.0.0 Ok: ") && line.find("queued as ") != line.npos) ++count;
    replies.remove_prefix(std::min(line.size() + 1, replies.size()));
  }
  return count;
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
  for (size_t i = 0, n = 1; i < in.size() && !bench.ended; i += step, ++n) {
    bench.send(in.substr(i, step));
    umaya::event::Loop::current().run_once();
    if (n % 64 == 0) replies += bench.take();
  }
  replies += bench.take();
  bench.disconnect();
  replies += bench.take();
  if (!bench.ended) __builtin_trap();
  if (count_promises(replies) > bench.cleanup.messages.size()) __builtin_trap();
  for (const Received& m : bench.cleanup.messages) {
    for (const auto& r : m.recipients) {
      if (r.address.find("foreign") != std::string::npos) __builtin_trap();
    }
    if (m.content.find(std::string_view("\0", 1)) != std::string::npos) __builtin_trap();
  }
  return 0;
}
