#include "libcommon/tls/client_policy.h"

#include <algorithm>
#include <iterator>

#include "libcommon/base/strings.h"

namespace umaya::tls {

namespace {

// By ClientLevel.
constexpr std::string_view kLevels[] = {"none", "may",       "encrypt", "fingerprint", "half-dane",
                                        "dane", "dane-only", "verify",  "secure"};

std::unexpected<Error> bad(std::string_view what, std::string_view value) {
  return permanent(std::string(what) + " \"" + std::string(value) + '"');
}

std::optional<std::string>* text_attribute(ClientPolicy& policy, std::string_view name) {
  if (iequals(name, "protocols")) return &policy.protocols;
  if (iequals(name, "ciphers")) return &policy.ciphers;
  if (iequals(name, "exclude")) return &policy.exclude;
  if (iequals(name, "servername")) return &policy.server_name;
  return nullptr;
}

Result<> take_match(ClientPolicy& policy, std::string_view value) {
  if (!must_match(policy.level) || is_dane(policy.level)) {
    return permanent("attribute \"match\" is invalid at security level \"" + std::string(level_name(policy.level)) +
                     '"');
  }
  // A fingerprint is itself written with colons.
  const std::string_view separators = policy.level == ClientLevel::fingerprint ? "|" : ":";
  const auto words = split(value, separators);
  if (words.empty()) return bad("attribute \"match\" has an empty value", value);
  for (std::string_view word : words) policy.match.emplace_back(word);
  return {};
}

Result<> take_attribute(ClientPolicy& policy, std::string_view name, std::string_view value) {
  if (value.empty()) return bad("empty value of attribute", name);
  if (iequals(name, "match")) return take_match(policy, value);
  if (std::optional<std::string>* text = text_attribute(policy, name)) {
    if (*text) return bad("attribute given twice:", name);
    *text = value;
    return {};
  }
  if (iequals(name, "connection_reuse")) {
    if (policy.connection_reuse) return bad("attribute given twice:", name);
    if (!iequals(value, "yes") && !iequals(value, "no")) return bad("connection_reuse is neither yes nor no:", value);
    policy.connection_reuse = iequals(value, "yes");
    return {};
  }
  if (iequals(name, "tafile")) {
    return permanent("attribute \"tafile\" is not supported: name the file with smtp_tls_trust_anchor_file");
  }
  return bad("invalid attribute name", name);
}

}  // namespace

std::optional<ClientLevel> parse_client_level(std::string_view word) {
  const auto* row = std::ranges::find_if(kLevels, [word](std::string_view name) { return iequals(name, word); });
  if (row == std::end(kLevels)) return std::nullopt;
  return static_cast<ClientLevel>(row - std::begin(kLevels));
}

std::string_view level_name(ClientLevel level) {
  return kLevels[static_cast<size_t>(level)];
}

Result<ClientPolicy> parse_client_policy(std::string_view text) {
  const auto words = split(text, ", \t\r\n");
  if (words.empty()) return permanent("invalid empty policy");
  auto level = parse_client_level(words[0]);
  if (!level) return bad("invalid security level", words[0]);
  ClientPolicy policy;
  policy.level = *level;
  if (policy.level == ClientLevel::none) return policy;  // attributes of a TLS that is not used mean nothing
  for (size_t i = 1; i < words.size(); ++i) {
    const size_t equals = words[i].find('=');
    if (equals == std::string_view::npos) return bad("malformed attribute/value pair", words[i]);
    UMAYA_CHECK(take_attribute(policy, words[i].substr(0, equals), words[i].substr(equals + 1)));
  }
  return policy;
}

}  // namespace umaya::tls
