// LINK umaya_auth
#include <cstdint>
#include <cstdlib>

#include "libcommon/auth/sasl_client.h"
#include "libcommon/base/strings.h"

// Whatever a server sends as challenges: no mechanism takes a proof that it did not ask for, and none goes on after an
// error. The first byte chooses the mechanism, the rest is challenges, one a line.
namespace {

using namespace umaya;
using namespace umaya::auth;

constexpr std::string_view kNames[] = {"PLAIN",       "LOGIN",         "CRAM-MD5",
                                       "SCRAM-SHA-1", "SCRAM-SHA-256", "SCRAM-SHA-256-PLUS"};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 1) return 0;
  const std::string_view name = kNames[(data[0] & 127) % std::size(kNames)];
  SaslCredentials credentials{"user", Secret("pencil")};
  std::unique_ptr<SaslClient> client;
  if (name.starts_with("SCRAM")) {
    client = make_scram_client(name, std::move(credentials), {"tls-exporter", "x"}, name.ends_with("PLUS") ? "p" : "n",
                               "fyko+d2lbbFgONRv9qkxdawL");
  } else {
    client = std::move(choose_sasl_client({.offered = {std::string(name)}}, std::move(credentials)).value());
  }
  if (data[0] & 128) (void)client->initial();
  const bool proves = name.starts_with("SCRAM");
  std::string_view rest(reinterpret_cast<const char*>(data + 1), size - 1);
  bool failed = false;
  size_t steps = 0;
  for (std::string_view challenge : split(rest, "\n")) {
    if (client->is_slow(challenge)) continue;
    auto answer = client->respond(challenge);
    if (answer && proves && failed) std::abort();
    if (answer && ++steps > 3) std::abort();
    failed = !answer;
    if (proves && client->is_complete() && challenge.find("v=") != 0) std::abort();
  }
  return 0;
}
