#include "libcommon/auth/sasl.h"

namespace umaya::auth {

namespace {
constexpr size_t kMostPart = 1024;
}

std::optional<PlainCredentials> parse_sasl_plain(std::string_view message) {
  size_t first = message.find('\0');
  if (first == std::string_view::npos) return std::nullopt;
  size_t second = message.find('\0', first + 1);
  if (second == std::string_view::npos || message.find('\0', second + 1) != std::string_view::npos) return std::nullopt;
  PlainCredentials credentials{std::string(message.substr(0, first)),
                               std::string(message.substr(first + 1, second - first - 1)),
                               Secret(std::string(message.substr(second + 1)))};
  if (credentials.user.empty() || credentials.authorize_as.size() > kMostPart || credentials.user.size() > kMostPart ||
      credentials.password.reveal().size() > kMostPart) {
    return std::nullopt;
  }
  return credentials;
}

std::string make_sasl_plain(std::string_view user, std::string_view password) {
  std::string message(1, '\0');
  message.append(user);
  message.push_back('\0');
  message.append(password);
  return message;
}

}  // namespace umaya::auth
