#include "smtpd/login/settings.h"

#include <algorithm>
#include <array>

#include "libcommon/base/strings.h"

namespace umaya::smtpd {

namespace {

struct Word {
  std::string_view name;
  LoginOption option;
};
constexpr auto kWords = std::to_array<Word>({{"noplaintext", kNoPlaintext},
                                             {"noactive", kNoActive},
                                             {"nodictionary", kNoDictionary},
                                             {"noanonymous", kNoAnonymous},
                                             {"forward_secrecy", kForwardSecrecy},
                                             {"mutual_auth", kMutualAuth}});

}  // namespace

Result<uint8_t> parse_login_options(std::string_view words) {
  uint8_t options = 0;
  for (std::string_view word : split_list(words)) {
    auto known = std::find_if(kWords.begin(), kWords.end(), [&](const Word& w) { return iequals(w.name, word); });
    if (known == kWords.end()) {
      return permanent("\"" + std::string(word) +
                       "\": use noplaintext, noactive, nodictionary, noanonymous, forward_secrecy, mutual_auth");
    }
    options |= known->option;
  }
  return options;
}

Result<> set_login_options(LoginSettings& settings, const std::string& value) {
  UMAYA_TRY(settings.options, parse_login_options(value));
  return {};
}

Result<> set_login_tls_options(LoginSettings& settings, const std::string& value) {
  UMAYA_TRY(settings.tls_options, parse_login_options(value));
  return {};
}

}  // namespace umaya::smtpd
