// LINK umaya_auth
// NAME    passwd_file_fuzz - any password file is read, any stored password checked, without harm
#include <cstdint>
#include <string_view>

#include "libcommon/auth/passwd_file.h"

using namespace umaya;
using namespace umaya::auth;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view input(reinterpret_cast<const char*>(data), size);
  std::vector<std::string> problems;
  PasswdFile file = parse_passwd_file(input, "u", problems);
  (void)file.find(input.substr(0, input.find(':')));
  auto stored = StoredPassword::parse(input.substr(0, input.find('\n')));
  if (stored && !stored->is_slow()) (void)stored->verify("secret");
  return 0;
}
