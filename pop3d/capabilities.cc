#include "pop3d/capabilities.h"

#include "libcommon/base/strings.h"

namespace umaya::pop3d {

namespace {

constexpr int64_t kDay = 24 * 3600;

int64_t seconds_of(Duration duration) {
  return std::chrono::duration_cast<std::chrono::seconds>(duration).count();
}

std::string joined(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& word : words) out += " " + word;
  return out;
}

}  // namespace

std::string capability_answer(const Abilities& abilities, const Params& params) {
  std::string out = "+OK\r\nCAPA\r\n";
  if (abilities.locked) return out + (abilities.stls ? "STLS\r\n.\r\n" : ".\r\n");
  out += "TOP\r\nUIDL\r\nRESP-CODES\r\nAUTH-RESP-CODE\r\nPIPELINING\r\nLANG\r\n";
  out += abilities.state == State::authorization ? "UTF8 USER\r\n" : "UTF8\r\n";
  if (abilities.stls) out += "STLS\r\n";
  if (abilities.user) out += "USER\r\n";
  if (!abilities.mechanisms.empty()) out += "SASL" + joined(abilities.mechanisms) + "\r\n";
  // Whole days, so that what is promised holds (RFC 2449 section 6.7).
  int64_t days = seconds_of(params.expire) / kDay;
  out += "EXPIRE " + (params.expire == Duration::zero() ? std::string("NEVER") : std::to_string(days)) + "\r\n";
  if (params.login_delay > Duration::zero()) {
    out += "LOGIN-DELAY " + std::to_string(seconds_of(params.login_delay)) + "\r\n";
  }
  return out + "IMPLEMENTATION Umaya\r\n.\r\n";
}

std::string mechanism_answer(const std::vector<std::string>& mechanisms) {
  std::string out = "+OK\r\n";
  for (const std::string& name : mechanisms) out += name + "\r\n";
  return out + ".\r\n";
}

std::string language_answer(const std::vector<std::string_view>& arguments) {
  if (arguments.empty()) return "+OK Languages:\r\nen English\r\n.\r\n";
  // "*": the server's choice; i-default: English that everybody may have to read (RFC 2277 section 4.5).
  std::string_view wanted = arguments[0];
  bool english = iequals(wanted, "en") || istarts_with(wanted, "en-") || wanted == "*" || iequals(wanted, "i-default");
  return english ? "+OK en Texts are in English.\r\n"
                 : "-ERR This language is not spoken here; LANG lists those that are.\r\n";
}

}  // namespace umaya::pop3d
