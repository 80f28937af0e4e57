// LINK umaya_auth
// NAME    auth_protocol_fuzz - lines of the authentication protocol survive the way there and back
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "libcommon/auth/auth_client.h"
#include "libcommon/auth/auth_wire.h"
#include "libcommon/auth/login_seal.h"
#include "libcommon/auth/sasl.h"
#include "libcommon/base/strings.h"

using namespace umaya;
using namespace umaya::auth;

namespace {

/// Nobody without the key can make what opens, whatever ticket is shown with it.
void check_seal(std::string_view input, const AuthLine& line) {
  static LoginSeal seal(Secret(std::string(LoginSeal::kKeySize, 'k')));
  LoginTicket ticket{1, 2, std::string(line.field(0)), {}};
  for (std::string_view sealed : {input, line.value("umaya_sealed").value_or("")}) {
    if (seal.open(sealed, ticket, TimePoint())) abort();
  }
  if (seal.open(base64_encode(input), ticket, TimePoint())) abort();
  static LoginSeal server(Secret(std::string(LoginSeal::kKeySize, 'k')));
  auto data = parse_login_data(line);
  if (!data) return;
  auto again = seal.open(server.close(ticket, *data, TimePoint()), ticket, TimePoint());
  if (!again || again->user != data->user || again->home != data->home || again->more != data->more) abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view input(reinterpret_cast<const char*>(data), size);
  AuthLine line = AuthLine::parse(input);
  std::string text = line.text();
  if (text.find('\n') != text.size() - 1) abort();
  AuthLine again = AuthLine::parse(std::string_view(text).substr(0, text.size() - 1));
  if (again.fields() != line.fields() || again.verb() != line.verb()) abort();
  for (size_t i = 0; i < line.fields(); ++i) {
    if (line.field(i) != again.field(i)) abort();
  }
  (void)line.value("user");
  check_seal(input, line);
  if (auto response = base64_decode(line.value("resp").value_or(""))) (void)parse_sasl_plain(*response);
  if (auto credentials = parse_sasl_plain(input); credentials && credentials->user.find('\0') != std::string::npos)
    abort();
  return 0;
}
