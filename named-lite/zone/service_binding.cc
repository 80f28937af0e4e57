#include "named-lite/zone/service_binding.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <vector>

#include "libcommon/base/strings.h"

namespace umaya::named {

namespace {

enum Key : uint16_t {
  kMandatory = 0,
  kAlpn = 1,
  kNoDefaultAlpn = 2,
  kPort = 3,
  kIpv4Hint = 4,
  kEch = 5,
  kIpv6Hint = 6,
  kDohPath = 7,
  kOhttp = 8,
};
constexpr std::array<std::string_view, 9> kNames = {"mandatory", "alpn",     "no-default-alpn", "port", "ipv4hint",
                                                    "ech",       "ipv6hint", "dohpath",         "ohttp"};
constexpr size_t kMostText = 65535;

void put16(std::string& out, size_t value) {
  out.push_back(static_cast<char>(value >> 8));
  out.push_back(static_cast<char>(value));
}

/// The number of "alpn" or "key12345"; letters are small ones (RFC 9460 2.1).
std::optional<uint16_t> key_number(std::string_view name) {
  auto known = std::find(kNames.begin(), kNames.end(), name);
  if (known != kNames.end()) return static_cast<uint16_t>(known - kNames.begin());
  if (!name.starts_with("key")) return std::nullopt;
  name.remove_prefix(3);
  if (name.size() > 1 && name.front() == '0') return std::nullopt;
  auto number = parse_uint(name);
  // 65535 is kept for "invalid key" (RFC 9460 14.3.2), and may be written all the same.
  if (!number || *number > 65535) return std::nullopt;
  return static_cast<uint16_t>(*number);
}

/// The values of a list; \, and \\ stand for a comma and a backslash within a value (RFC 9460 A.1).
std::optional<std::vector<std::string>> split_values(std::string_view text) {
  std::vector<std::string> values(1);
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == ',') {
      values.emplace_back();
    } else if (text[i] == '\\') {
      if (++i == text.size() || (text[i] != ',' && text[i] != '\\')) return std::nullopt;
      values.back() += text[i];
    } else {
      values.back() += text[i];
    }
  }
  bool empty = std::any_of(values.begin(), values.end(), [](const std::string& value) { return value.empty(); });
  return empty ? std::nullopt : std::optional(std::move(values));
}

/// Each of these gives the wire form of a value, or nothing when it is none.
std::optional<std::string> mandatory_keys(std::string_view text) {
  auto names = split_values(text);
  if (!names) return std::nullopt;
  std::vector<uint16_t> keys;
  for (const std::string& name : *names) {
    auto key = key_number(name);
    if (!key || *key == kMandatory) return std::nullopt;
    keys.push_back(*key);
  }
  std::sort(keys.begin(), keys.end());
  if (std::adjacent_find(keys.begin(), keys.end()) != keys.end()) return std::nullopt;
  std::string wire;
  for (uint16_t key : keys) put16(wire, key);
  return wire;
}

std::optional<std::string> protocols(std::string_view text) {
  auto values = split_values(text);
  if (!values) return std::nullopt;
  std::string wire;
  for (const std::string& value : *values) {
    if (value.size() > 255) return std::nullopt;
    wire.push_back(static_cast<char>(value.size()));
    wire += value;
  }
  return wire;
}

std::optional<std::string> addresses(std::string_view text, int family, size_t size) {
  auto words = split_values(text);
  if (!words) return std::nullopt;
  std::string wire;
  for (const std::string& word : *words) {
    std::array<char, 16> address;
    bool whole = word.find('\0') == std::string::npos && inet_pton(family, word.c_str(), address.data()) == 1;
    if (!whole) return std::nullopt;
    wire.append(address.data(), size);
  }
  return wire;
}

std::optional<std::string> port(std::string_view text) {
  auto number = parse_uint(text);
  if (!number || *number > 65535) return std::nullopt;
  std::string wire;
  put16(wire, *number);
  return wire;
}

std::optional<std::string> value_of(uint16_t key, const std::string& text) {
  switch (key) {
    case kMandatory:
      return mandatory_keys(text);
    case kAlpn:
      return protocols(text);
    case kNoDefaultAlpn:
    case kOhttp:
      return text.empty() ? std::optional(text) : std::nullopt;
    case kPort:
      return port(text);
    case kIpv4Hint:
      return addresses(text, AF_INET, 4);
    case kEch:
      return text.empty() ? std::nullopt : base64_decode(text);
    case kIpv6Hint:
      return addresses(text, AF_INET6, 16);
    case kDohPath:
      return text.empty() ? std::nullopt : std::optional(text);
    default:
      return text;
  }
}

constexpr std::string_view needed(uint16_t key) {
  switch (key) {
    case kMandatory:
      return "mandatory names other keys, each once, with commas between them";
    case kAlpn:
      return "alpn names protocols, with commas between them";
    case kNoDefaultAlpn:
    case kOhttp:
      return "this key has no value";
    case kPort:
      return "port is a number up to 65535";
    case kIpv4Hint:
      return "ipv4hint has IPv4 addresses, with commas between them";
    case kEch:
      return "ech is base64";
    case kIpv6Hint:
      return "ipv6hint has IPv6 addresses, with commas between them";
    default:
      return "this key needs a value";
  }
}

class Parameters {
 public:
  Parameters(std::span<const Token> words, Complaint& complaint) : words_(words), complaint_(complaint) {}

  bool parse(std::string& out) {
    for (size_t i = 0; i < words_.size(); ++i) {
      if (!take(i)) return false;
    }
    if (!consistent()) return false;
    for (const auto& [key, value] : values_) {
      put16(out, key);
      put16(out, value.size());
      out += value;
    }
    return true;
  }

 private:
  bool complain(size_t i, std::string what) {
    complaint_ = {&words_[i], std::move(what), {}};
    return false;
  }

  /// The word at i is followed, without a blank, by a value in quotes.
  bool quote_follows(size_t i) const {
    if (i + 1 >= words_.size() || !words_[i + 1].quoted) return false;
    std::string_view word = words_[i].text;
    return words_[i + 1].text.data() == word.data() + word.size() + 1;
  }

  /// One parameter, which begins at words_[i]; leaves i at its last word.
  bool take(size_t& i) {
    size_t at = i;
    if (words_[at].quoted) return complain(at, "a parameter is written as key=value");
    std::string_view word = words_[at].text;
    size_t equals = word.find('=');
    auto key = key_number(word.substr(0, equals));
    if (!key) {
      return complain(at, "\"" + std::string(word.substr(0, equals)) +
                              "\" is no key of SVCB and HTTPS: keys without a name are written as key667");
    }
    std::string text;
    const char* fault = nullptr;
    if (equals != std::string_view::npos) {
      std::string_view raw = word.substr(equals + 1);
      if (raw.empty() && quote_follows(i)) raw = words_[++i].text;
      fault = unescape(raw, text);
    }
    if (fault != nullptr) return complain(at, fault);
    // keyNNNNN has the octets themselves, also where the key has a name (RFC 9460 2.1).
    bool octets = word.starts_with("key");
    auto value = octets ? std::optional(std::move(text)) : value_of(*key, text);
    if (!value || value->size() > kMostText) return complain(at, std::string(needed(*key)));
    if (!values_.emplace(*key, std::move(*value)).second) return complain(at, "this key is there twice");
    return true;
  }

  bool consistent() {
    if (values_.contains(kNoDefaultAlpn) && !values_.contains(kAlpn)) {
      return complain(0, "no-default-alpn needs alpn beside it");
    }
    auto mandatory = values_.find(kMandatory);
    if (mandatory == values_.end()) return true;
    const std::string& keys = mandatory->second;
    for (size_t i = 0; i + 1 < keys.size(); i += 2) {
      auto key =
          static_cast<uint16_t>(static_cast<unsigned char>(keys[i]) << 8 | static_cast<unsigned char>(keys[i + 1]));
      if (!values_.contains(key)) return complain(0, "mandatory names a key that is not there");
    }
    return true;
  }

  std::span<const Token> words_;
  Complaint& complaint_;
  std::map<uint16_t, std::string> values_;
};

}  // namespace

bool parse_service_binding(std::span<const Token> words, const Name& origin, std::string& out, Complaint& complaint) {
  auto priority = words.size() > 1 ? parse_uint(words[0].text) : std::nullopt;
  if (!priority || *priority > 65535) {
    complaint = {words.empty() ? nullptr : &words[0], "SVCB and HTTPS needs: priority target parameters …", {}};
    return false;
  }
  Name target;
  if (NameError error = target.assign_text(words[1].text, origin); error != NameError::none) {
    complaint = {
        &words[1], "\"" + std::string(words[1].text) + "\" is not a domain name: " + std::string(describe(error)), {}};
    return false;
  }
  put16(out, *priority);
  out.append(target.wire());
  return Parameters(words.subspan(2), complaint).parse(out);
}

}  // namespace umaya::named
