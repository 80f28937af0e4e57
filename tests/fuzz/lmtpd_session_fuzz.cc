// LINK smtpd_core
// NAME    lmtpd_session_fuzz - whole LMTP sessions; no 250 for a mailbox without a delivery, none for a foreign
// recipient
#include <cstdint>
#include <string_view>

#include "tests/smtpd/lmtp_bench.h"

using namespace umaya;
using namespace umaya::smtpd;

/// Replies that say a message is in a mailbox now.
static size_t count_promises(std::string_view replies) {
  size_t count = 0;
  while (!replies.empty()) {
    std::string_view line = replies.substr(0, replies.find('\n'));
    if (line.starts_with("250 2.0.0 <") && line.find("> delivered to maildir") != line.npos) ++count;
    replies.remove_prefix(std::min(line.size() + 1, replies.size()));
  }
  return count;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static umaya::event::Loop loop;  // outlives the bench
  static LmtpBench bench({"smtpd_forbid_unauth_pipelining = no", "message_size_limit = 5000"});
  std::string_view in(reinterpret_cast<const char*>(data), size);
  bench.script.handed.clear();
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
  if (bench.mailboxes->memory().held != 0) __builtin_trap();
  size_t delivered = 0;
  for (const Handed& handed : bench.script.handed) {
    // A recipient that was named twice has one delivery and two replies.
    delivered += handed.addresses.size();
    for (const std::string& address : handed.addresses) {
      std::string_view domain = message::split_address(address).domain;
      if (domain.find("foreign") != std::string_view::npos) __builtin_trap();
    }
    if (handed.text.find(std::string_view("\0", 1)) != std::string::npos) __builtin_trap();
  }
  if (delivered == 0 && bench.mailboxes->unconfirmed().size() == 0 && count_promises(replies) > 0) __builtin_trap();
  return 0;
}
