// LINK smtpd_core umaya_auth
// NAME    smtp_login_fuzz - whole sessions with AUTH; nobody relays without the right password
#include <cstdint>
#include <string_view>

#include "tests/smtpd/login_bench.h"

using namespace umaya;
using namespace umaya::smtpd;

/// Whether the authentication server was given alice's password, in any of its forms.
static bool password_given(const FakeAuth& auth) {
  for (const std::string& line : auth.heard) {
    auto parsed = auth::AuthLine::parse(line);
    std::string_view text = parsed.verb() == "CONT" ? parsed.field(1) : parsed.value("resp").value_or("");
    auto bytes = base64_decode(text);
    if (bytes && bytes->find("secret") != std::string::npos) return true;
  }
  return false;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static LoginBench bench({"smtpd_forbid_unauth_pipelining = no", "message_size_limit = 5000"});
  std::string_view in(reinterpret_cast<const char*>(data), size);
  bench.cleanup.messages.clear();
  bench.auth.heard.clear();
  bench.log.clear();
  bench.connect();
  size_t step = size > 0 && data[0] < 64 ? data[0] + 1u : size + 1;
  std::string replies = bench.take();
  for (size_t i = 0, n = 1; i < in.size() && !bench.ended; i += step, ++n) {
    bench.send(in.substr(i, step));
    umaya::event::Loop::current().run_once();
    if (n % 16 == 0) replies += bench.take();
  }
  replies += bench.take();
  bench.disconnect();
  if (!bench.ended) __builtin_trap();
  bool logged_in = replies.find("\n235 2.7.0 ") != std::string::npos;
  if (logged_in && !password_given(bench.auth)) __builtin_trap();
  for (const Received& m : bench.cleanup.messages) {
    for (const auto& r : m.recipients) {
      if (r.address.find("foreign") != std::string::npos && !logged_in) __builtin_trap();
    }
  }
  return 0;
}
