#include "libcommon/message/address.h"

#include <idn2.h>

#include <memory>

#include "libcommon/base/strings.h"
#include "libcommon/message/domain.h"

namespace umaya::message {

static bool is_atext(char c) {
  static constexpr std::string_view kMarks = "!#$%&'*+-/=?^_`{|}~";
  return ascii_alnum(c) || static_cast<unsigned char>(c) >= 0x80 || kMarks.find(c) != std::string_view::npos;
}

static bool is_dot_string(std::string_view s) {
  bool in_atom = false;
  for (char c : s) {
    if (c == '.') {
      if (!in_atom) return false;
      in_atom = false;
    } else if (!is_atext(c)) {
      return false;
    } else {
      in_atom = true;
    }
  }
  return in_atom;
}

SplitAddress split_address(std::string_view internal) {
  size_t at = internal.rfind('@');
  if (at == std::string_view::npos) return {internal, {}, false};
  return {internal.substr(0, at), internal.substr(at + 1), true};
}

bool needs_quotes(std::string_view local) {
  return !is_dot_string(local);
}

static void append_quoted(std::string& out, std::string_view local) {
  out.push_back('"');
  for (char c : local) {
    if (c == '"' || c == '\\') out.push_back('\\');
    out.push_back(c);
  }
  out.push_back('"');
}

std::string to_external(std::string_view internal) {
  if (internal.empty()) return {};
  auto [local, domain, qualified] = split_address(internal);
  std::string out;
  out.reserve(internal.size() + 2);
  if (needs_quotes(local)) {
    append_quoted(out, local);
  } else {
    out.append(local);
  }
  if (qualified) out.append("@").append(domain);
  return out;
}

std::string to_internal(std::string_view external) {
  PathOptions options{.smtputf8 = true, .strict = false};
  auto path = parse_path(external, options);
  return path ? std::move(path->address) : std::string(external);
}

std::optional<std::string> canonical_domain(std::string_view domain) {
  if (domain.size() > 1 && domain.back() == '.') domain.remove_suffix(1);
  if (domain.size() > kMaxDomain) return {};
  if (is_ascii(domain)) return to_lower(domain);
  std::string text(domain);
  if (text.find('\0') != std::string::npos) return {};
  char* raw = nullptr;
  if (idn2_to_ascii_8z(text.c_str(), &raw, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL) != IDN2_OK) return {};
  std::unique_ptr<char, decltype(&idn2_free)> ascii(raw, idn2_free);
  std::string out = to_lower(ascii.get());
  if (out.size() > kMaxDomain) return {};
  return out;
}

std::string canonical_address(std::string_view internal) {
  auto [local, domain, qualified] = split_address(internal);
  std::string out(local);
  if (!qualified) return out;
  out.push_back('@');
  auto canonical = canonical_domain(domain);
  return out.append(canonical ? *canonical : std::string(domain));
}

std::string domain_to_utf8(std::string_view domain) {
  std::string text(domain);
  if (text.find("xn--") == std::string::npos && text.find("XN--") == std::string::npos) return text;
  char* raw = nullptr;
  if (idn2_to_unicode_8z8z(text.c_str(), &raw, 0) != IDN2_OK) return text;
  std::unique_ptr<char, decltype(&idn2_free)> unicode(raw, idn2_free);
  return unicode.get();
}

bool has_route_characters(std::string_view local) {
  return local.find_first_of("@%!") != std::string_view::npos;
}

std::optional<std::string> bang_to_domain(std::string_view local) {
  size_t bang = local.find('!');
  if (bang == std::string_view::npos) return {};
  return std::string(local.substr(bang + 1)).append("@").append(local.substr(0, bang));
}

std::optional<std::string> percent_to_domain(std::string_view local) {
  size_t percent = local.rfind('%');
  if (percent == std::string_view::npos) return {};
  return std::string(local.substr(0, percent)).append("@").append(local.substr(percent + 1));
}

}  // namespace umaya::message
