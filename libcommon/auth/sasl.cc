#include "libcommon/auth/sasl.h"

#include "libcommon/auth/digest.h"
#include "libcommon/base/clock.h"
#include "libcommon/base/random.h"
#include "libcommon/base/strings.h"

namespace umaya::auth {

namespace {
constexpr size_t kMostPart = 1024;
constexpr size_t kMd5Size = 16;

bool is_name(std::string_view text) {
  return !text.empty() && text.size() <= kMostPart && text.find('\0') == std::string_view::npos;
}
}  // namespace

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

std::string make_cram_challenge(std::string_view host) {
  return "<" + std::to_string(random_u64()) + "." + std::to_string(wall_seconds()) + "@" + std::string(host) + ">";
}

std::optional<SaslProof> parse_cram_response(std::string_view message) {
  size_t blank = message.rfind(' ');
  if (blank == std::string_view::npos || !is_name(message.substr(0, blank))) return std::nullopt;
  auto proof = hex_decode(message.substr(blank + 1));
  if (!proof || proof->size() != kMd5Size) return std::nullopt;
  return SaslProof{std::string(message.substr(0, blank)), std::move(*proof)};
}

bool verify_cram(std::string_view challenge, const CramKeys& keys, const SaslProof& shown) {
  return constant_time_equal(cram_digest(keys, challenge), shown.proof);
}

std::optional<ApopMessage> parse_apop(std::string_view message) {
  size_t first = message.find('\0');
  size_t second = first == std::string_view::npos ? first : message.find('\0', first + 1);
  if (second == std::string_view::npos) return std::nullopt;
  ApopMessage apop{
      std::string(message.substr(0, first)),
      {std::string(message.substr(first + 1, second - first - 1)), std::string(message.substr(second + 1))}};
  // The challenge is a message id: no empty one, which an attacker could have had answered elsewhere.
  bool angled = apop.challenge.starts_with('<') && apop.challenge.ends_with('>') && apop.challenge.size() > 2;
  bool fits =
      angled && apop.challenge.size() <= kMostPart && is_name(apop.shown.user) && apop.shown.proof.size() == kMd5Size;
  if (!fits) return std::nullopt;
  return apop;
}

bool verify_apop(std::string_view password, const ApopMessage& message) {
  return constant_time_equal(digest(Hash::md5, message.challenge, password), message.shown.proof);
}

std::optional<std::string> parse_external(std::string_view message) {
  if (!message.empty() && (!is_name(message) || !valid_utf8(message))) return std::nullopt;
  return std::string(message);
}

}  // namespace umaya::auth
