// LINK umaya_auth
// NAME    sasl_server_fuzz - messages of SASL clients: every decoder, and SCRAM from both of its states
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "libcommon/auth/sasl.h"
#include "libcommon/auth/scram.h"

using namespace umaya;
using namespace umaya::auth;

namespace {

const ScramKeys& keys() {
  static const ScramKeys made = make_scram_keys(Hash::sha256, "secret", "salt", 1);
  return made;
}

/// First message up to the first LF, final message behind it; the second may use the real nonce by "@".
void try_scram(std::string_view input, ScramServer::Plus plus, const ChannelBinding& binding) {
  ScramServer server(Hash::sha256, plus, binding);
  size_t end = input.find('\n');
  auto names = server.read_first(input.substr(0, end));
  if (!names) return;
  if (names->user.empty() || names->user.size() > 1024 || names->user.find('\0') != std::string::npos) abort();
  std::string challenge = server.challenge(keys(), "servernonce");
  if (end == std::string_view::npos) return;
  std::string final(input.substr(end + 1));
  if (size_t at = final.find('@'); at != std::string::npos) {
    final.replace(at, 1, challenge.substr(2, challenge.find(',') - 2));
  }
  auto right = server.read_final(final, keys());
  if (right && *right) abort();  // nobody finds an HMAC by chance
  if (!server.last_word().empty()) abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view input(reinterpret_cast<const char*>(data), size);
  if (auto plain = parse_sasl_plain(input); plain && plain->user.empty()) abort();
  if (auto cram = parse_cram_response(input)) (void)verify_cram("<1@h>", CramKeys(), *cram);
  if (auto apop = parse_apop(input)) (void)verify_apop("secret", *apop);
  if (auto name = parse_external(input); name && name->find('\0') != std::string::npos) abort();
  (void)parse_scram_keys(Hash::sha256, input);
  (void)parse_cram_keys(input);
  try_scram(input, ScramServer::Plus::no, {});
  try_scram(input, ScramServer::Plus::yes, {"tls-exporter", "data"});
  return 0;
}
