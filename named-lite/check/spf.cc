#include "named-lite/check/spf.h"

#include <arpa/inet.h>

#include <algorithm>

#include "libcommon/base/strings.h"
#include "named-lite/dns/spelling.h"

namespace umaya::named {

namespace {

constexpr std::string_view kVersion = "v=spf1";

struct Mechanism {
  std::string_view name;
  bool needs_value;
  bool looks_up;
};
constexpr Mechanism kMechanisms[] = {{"all", false, false}, {"include", true, true}, {"a", false, true},
                                     {"mx", false, true},   {"ptr", false, true},    {"ip4", true, false},
                                     {"ip6", true, false},  {"exists", true, true}};

const Mechanism* find_mechanism(std::string_view name) {
  auto at = std::find_if(std::begin(kMechanisms), std::end(kMechanisms),
                         [&](const Mechanism& each) { return iequals(each.name, name); });
  return at == std::end(kMechanisms) ? nullptr : at;
}

class SpfReader {
 public:
  explicit SpfReader(std::string_view text) : text_(text) {}
  SpfFindings run();

 private:
  void term(std::string_view word);
  void mechanism(std::string_view word);
  void modifier(std::string_view word, size_t equals);
  void address(std::string_view word, std::string_view value, int family);
  void domain(std::string_view word, std::string_view value);
  std::string_view without_prefix_lengths(std::string_view word, std::string_view value);
  void unknown(std::string_view word, std::string_view name);
  void fault(std::string_view word, std::string what, std::string_view replacement = {});

  std::string_view text_;
  SpfFindings found_;
  bool all_seen_ = false;
  bool redirect_seen_ = false;
  bool exp_seen_ = false;
};

/// replacement: for the word; the cure is the whole record.
void SpfReader::fault(std::string_view word, std::string what, std::string_view replacement) {
  std::string cure;
  if (!replacement.empty()) {
    cure = text_.substr(0, static_cast<size_t>(word.data() - text_.data()));
    cure += replacement;
    cure += text_.substr(cure.size() - replacement.size() + word.size());
  }
  found_.faults.push_back({"SPF: " + std::move(what), std::move(cure)});
}

/// RFC 7208 7.1: %{s}, %{d2r.-}, %%, %_ and %-.
bool macros_are_sound(std::string_view text) {
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') continue;
    if (++i >= text.size()) return false;
    if (text[i] == '%' || text[i] == '_' || text[i] == '-') continue;
    if (text[i] != '{' || ++i >= text.size()) return false;
    if (std::string_view("slodiphcrtv").find(ascii_lower(text[i])) == std::string_view::npos) return false;
    ++i;
    while (i < text.size() && ascii_digit(text[i])) ++i;
    if (i < text.size() && ascii_lower(text[i]) == 'r') ++i;
    while (i < text.size() && std::string_view(".-+,/_=").find(text[i]) != std::string_view::npos) ++i;
    if (i >= text.size() || text[i] != '}') return false;
  }
  return true;
}

void SpfReader::domain(std::string_view word, std::string_view value) {
  if (!macros_are_sound(value)) {
    return fault(word, "\"" + std::string(word) + "\" has a macro that is none (RFC 7208 7.1); a % is written as %%");
  }
  if (value.find('%') != std::string_view::npos) return;
  bool is_address = std::all_of(value.begin(), value.end(), [](char c) { return ascii_digit(c) || c == '.'; });
  if (is_address) {
    return fault(word, "\"" + std::string(word) + "\" has an address where a name belongs",
                 "ip4:" + std::string(value));
  }
  if (value.find('@') != std::string_view::npos || value.find("..") != std::string_view::npos ||
      value.starts_with('.') || value.find('.') == std::string_view::npos) {
    fault(word, "\"" + std::string(value) + "\" in \"" + std::string(word) + "\" is not the name of a domain");
  }
}

/// What is left of a:name/24//64 and the like without the lengths.
std::string_view SpfReader::without_prefix_lengths(std::string_view word, std::string_view value) {
  size_t slash = value.find('/');
  if (slash == std::string_view::npos) return value;
  std::string_view lengths = value.substr(slash);
  size_t second = lengths.find("//");
  std::string_view v4 = lengths.substr(0, second);
  auto within = [](std::string_view text, uint64_t most) {
    auto number = parse_uint(text);
    return number && *number <= most;
  };
  bool sound = v4.empty() || within(v4.substr(1), 32);
  if (second != std::string_view::npos) sound = sound && within(lengths.substr(second + 2), 128);
  if (!sound) fault(word, "\"" + std::string(word) + "\" has a length that is none: /0 to /32, //0 to //128 for IPv6");
  return value.substr(0, slash);
}

void SpfReader::address(std::string_view word, std::string_view value, int family) {
  size_t slash = value.find('/');
  std::string text(value.substr(0, slash));
  unsigned char octets[16];
  int other = family == AF_INET ? AF_INET6 : AF_INET;
  if (inet_pton(family, text.c_str(), octets) != 1) {
    std::string_view right = family == AF_INET ? "ip6" : "ip4";
    if (inet_pton(other, text.c_str(), octets) == 1) {
      size_t colon = word.find(':');
      std::string_view sign = std::string_view("+-~?").find(word[0]) != std::string_view::npos ? word.substr(0, 1) : "";
      std::string cure = std::string(sign) + std::string(right) + std::string(word.substr(colon));
      return fault(word, "\"" + text + "\" is for " + std::string(right), cure);
    }
    return fault(word, "\"" + text + "\" in \"" + std::string(word) + "\" is not an address");
  }
  if (slash == std::string_view::npos) return;
  auto length = parse_uint(value.substr(slash + 1));
  if (!length || *length > (family == AF_INET ? 32u : 128u)) {
    fault(word,
          "\"" + std::string(word) + "\" has a length that is none: /0 to " + (family == AF_INET ? "/32" : "/128"));
  }
}

void SpfReader::unknown(std::string_view word, std::string_view name) {
  std::string lower = to_lower(name);
  static constexpr std::pair<std::string_view, std::string_view> kMeant[] = {
      {"ip", "ip4"}, {"ipv4", "ip4"}, {"ipv6", "ip6"}, {"includes", "include"}, {"exist", "exists"}};
  std::string_view near;
  for (const auto& [wrong, right] : kMeant) {
    if (lower == wrong) near = right;
  }
  if (near.empty()) {
    near = nearest_word(lower, std::size(kMechanisms), [](size_t i) { return kMechanisms[i].name; });
  }
  std::string cure;
  if (!near.empty()) {
    cure = word;
    cure.replace(static_cast<size_t>(name.data() - word.data()), name.size(), near);
  }
  fault(word, "\"" + std::string(name) + "\" is not a mechanism: receivers reject the whole record (RFC 7208 4.6)",
        cure);
}

void SpfReader::mechanism(std::string_view word) {
  std::string_view rest = word;
  if (std::string_view("+-~?").find(rest[0]) != std::string_view::npos) rest.remove_prefix(1);
  size_t end = rest.find_first_of(":/");
  std::string_view name = rest.substr(0, end);
  std::string_view value = end == std::string_view::npos ? std::string_view() : rest.substr(end);
  const Mechanism* mechanism = find_mechanism(name);
  if (mechanism == nullptr) {
    bool is_address = inet_addr(std::string(name).c_str()) != INADDR_NONE && name.find('.') != std::string_view::npos;
    if (is_address) return fault(word, "an address stands behind ip4:", "ip4:" + std::string(rest));
    return unknown(word, name);
  }
  if (mechanism->looks_up) ++found_.lookups;
  if (all_seen_) fault(word, "\"" + std::string(word) + "\" stands behind `all` and is never looked at");
  if (iequals(name, "all")) {
    all_seen_ = true;
    if (!value.empty()) fault(word, "`all` takes no value", word.substr(0, word.size() - value.size()));
    return;
  }
  bool has_colon = value.starts_with(':');
  if (has_colon) value.remove_prefix(1);
  if (mechanism->needs_value && (!has_colon || value.empty())) {
    return fault(word, "\"" + std::string(name) + "\" needs a value: " + std::string(name) + ":…");
  }
  if (iequals(name, "ip4")) return address(word, value, AF_INET);
  if (iequals(name, "ip6")) return address(word, value, AF_INET6);
  bool lengths = iequals(name, "a") || iequals(name, "mx");
  if (lengths) value = without_prefix_lengths(word, value);
  if (has_colon || !value.empty()) domain(word, value);
  if (iequals(name, "include")) found_.names.emplace_back(value);
}

void SpfReader::modifier(std::string_view word, size_t equals) {
  std::string_view name = word.substr(0, equals);
  std::string_view value = word.substr(equals + 1);
  if (iequals(name, "redirect")) {
    if (redirect_seen_) fault(word, "redirect= stands there twice");
    redirect_seen_ = true;
    ++found_.lookups;
    domain(word, value);
    found_.names.emplace_back(value);
  } else if (iequals(name, "exp")) {
    if (exp_seen_) fault(word, "exp= stands there twice");
    exp_seen_ = true;
    domain(word, value);
  } else if (find_mechanism(name) != nullptr) {
    std::string cure(word);
    cure[equals] = ':';
    fault(word, "a mechanism has a colon before its value", cure);
  }
}

void SpfReader::term(std::string_view word) {
  size_t end = word.find_first_of(":/=");
  if (end != std::string_view::npos && word[end] == '=') return modifier(word, end);
  mechanism(word);
}

SpfFindings SpfReader::run() {
  for (size_t at = kVersion.size(); at < text_.size();) {
    if (text_[at] == ' ') {
      ++at;
      continue;
    }
    size_t end = std::min(text_.find(' ', at), text_.size());
    term(text_.substr(at, end - at));
    at = end;
  }
  if (redirect_seen_ && all_seen_) found_.faults.push_back({"SPF: redirect= has no effect beside `all`", {}});
  return std::move(found_);
}

}  // namespace

bool is_spf(std::string_view text) {
  return istarts_with(text, kVersion) && (text.size() == kVersion.size() || text[kVersion.size()] == ' ');
}

SpfFindings check_spf(std::string_view text) {
  return SpfReader(text).run();
}

}  // namespace umaya::named
