#include "named-lite/zone/rdata_text.h"

#include <arpa/inet.h>

#include <charconv>

#include "libcommon/base/strings.h"
#include "named-lite/dns/ldns_rdata.h"
#include "named-lite/dns/types.h"
#include "named-lite/dns/wire.h"
#include "named-lite/zone/service_binding.h"

namespace umaya::named {

namespace {

/// Walks over the words of one record.
class Fields {
 public:
  Fields(const TypeInfo& info, std::span<const Token> words, const Name& origin, std::string& out, Complaint& complaint)
      : info_(info), words_(words), origin_(origin), out_(out), complaint_(complaint) {}

  bool parse();

 private:
  bool complain(const Token* at, std::string what, std::string replacement = {}) {
    complaint_ = {at, std::move(what), std::move(replacement)};
    return false;
  }
  bool field(char kind);
  bool missing();
  bool name(const Token& word);
  bool number(const Token& word, uint32_t most);
  bool time(const Token& word);
  bool address4(const Token& word);
  bool address6(const Token& word);
  bool string(const Token& word);
  bool rest_of(char kind);
  bool unescaped(const Token& word, std::string& text);
  void put(uint32_t value, int octets) {
    for (int shift = 8 * (octets - 1); shift >= 0; shift -= 8) out_.push_back(static_cast<char>(value >> shift));
  }

  const TypeInfo& info_;
  std::span<const Token> words_;
  const Name& origin_;
  std::string& out_;
  Complaint& complaint_;
  size_t next_ = 0;
};

bool Fields::missing() {
  if (info_.number == type::kMx && words_.size() == 1 && !parse_uint(words_[0].text)) {
    return complain(&words_[0], "MX without a preference: a number stands before the host name",
                    "10 " + std::string(words_[0].text));
  }
  std::string usage(info_.usage);
  return complain(nullptr, std::string(info_.name) + " needs: " + usage);
}

bool Fields::parse() {
  if (info_.number == type::kMx && words_.size() == 1) return missing();
  for (char kind : info_.layout) {
    if (kind == 'h' || kind == 'B' || kind == 'S') {
      if (!rest_of(kind)) return false;
      continue;
    }
    if (next_ >= words_.size()) return missing();
    if (!field(kind)) return false;
    ++next_;
  }
  if (next_ < words_.size()) {
    return complain(&words_[next_],
                    "nothing more may follow here; " + std::string(info_.name) + " has: " + std::string(info_.usage));
  }
  return true;
}

bool Fields::field(char kind) {
  const Token& word = words_[next_];
  switch (kind) {
    case 'n':
    case 'N':
      return name(word);
    case 'b':
      return number(word, 0xFF);
    case 'w':
      return number(word, 0xFFFF);
    case 'd':
      return number(word, 0xFFFFFFFF);
    case 't':
      return time(word);
    case '4':
      return address4(word);
    case '6':
      return address6(word);
    case 's':
      return string(word);
    case 'q':
      return unescaped(word, out_);
    default:
      return complain(&word, "a field that cannot be read");
  }
}

bool Fields::name(const Token& word) {
  Name parsed;
  if (NameError error = parsed.assign_text(word.text, origin_); error != NameError::none) {
    return complain(&word, "\"" + std::string(word.text) + "\" is not a domain name: " + std::string(describe(error)));
  }
  out_.append(parsed.wire());
  return true;
}

bool Fields::number(const Token& word, uint32_t most) {
  uint32_t value = 0;
  auto [end, error] = std::from_chars(word.text.data(), word.text.data() + word.text.size(), value);
  if (error != std::errc() || end != word.text.data() + word.text.size() || value > most) {
    return complain(&word, "\"" + std::string(word.text) + "\" stands where a number up to " + std::to_string(most) +
                               " belongs; " + std::string(info_.name) + " has: " + std::string(info_.usage));
  }
  put(value, most == 0xFF ? 1 : most == 0xFFFF ? 2 : 4);
  return true;
}

bool Fields::time(const Token& word) {
  uint32_t value = 0;
  if (!parse_ttl(word.text, value)) {
    return complain(&word,
                    "\"" + std::string(word.text) + "\" is not a time: write seconds or numbers with w, d, h, m, s");
  }
  put(value, 4);
  return true;
}

bool Fields::address4(const Token& word) {
  std::string text(word.text);
  unsigned char octets[4];
  if (inet_pton(AF_INET, text.c_str(), octets) != 1) {
    return complain(&word,
                    "\"" + text + "\" is not an IPv4 address" +
                        (text.ends_with('.') ? ": it has no final dot" : ": write four numbers up to 255"),
                    text.ends_with('.') ? text.substr(0, text.size() - 1) : std::string());
  }
  out_.append(reinterpret_cast<const char*>(octets), 4);
  return true;
}

bool Fields::address6(const Token& word) {
  std::string text(word.text);
  unsigned char octets[16];
  if (inet_pton(AF_INET6, text.c_str(), octets) != 1) {
    return complain(&word, "\"" + text + "\" is not an IPv6 address");
  }
  out_.append(reinterpret_cast<const char*>(octets), 16);
  return true;
}

bool Fields::unescaped(const Token& word, std::string& text) {
  const char* fault = unescape(word.text, text);
  return fault == nullptr || complain(&word, fault);
}

bool Fields::string(const Token& word) {
  std::string text;
  if (!unescaped(word, text)) return false;
  if (text.size() > 255) {
    return complain(&word, "a character string holds at most 255 octets, this one has " + std::to_string(text.size()) +
                               ": split it into \"…\" \"…\"");
  }
  out_.push_back(static_cast<char>(text.size()));
  out_.append(text);
  return true;
}

bool Fields::rest_of(char kind) {
  if (next_ >= words_.size()) return missing();
  if (kind == 'S') {
    for (; next_ < words_.size(); ++next_) {
      if (!string(words_[next_])) return false;
    }
    return true;
  }
  std::string joined;
  const Token& first = words_[next_];
  for (; next_ < words_.size(); ++next_) joined += words_[next_].text;
  auto bytes = kind == 'h' ? hex_decode(joined) : base64_decode(joined);
  if (!bytes)
    return complain(&first, kind == 'h' ? "hexadecimal digits belong here, two for each octet" : "this is not base64");
  out_.append(*bytes);
  return true;
}

/// RFC 3597 5: \# 4 0A000001
bool parse_generic(std::span<const Token> words, std::string& out, Complaint& complaint) {
  auto size = words.size() > 1 ? parse_uint(words[1].text) : std::nullopt;
  if (!size || *size > 65535) {
    complaint = {
        words.size() > 1 ? &words[1] : &words[0], "\\# is followed by the number of octets and their digits", {}};
    return false;
  }
  std::string digits;
  for (size_t i = 2; i < words.size(); ++i) digits += words[i].text;
  auto bytes = hex_decode(digits);
  if (!bytes || bytes->size() != *size) {
    complaint = {
        &words[1],
        "\\# announces " + std::to_string(*size) + " octets but " + std::to_string(digits.size() / 2) + " follow",
        {}};
    return false;
  }
  out.append(*bytes);
  return true;
}

/// True when the octets fit the layout, so that opaque data of a known type cannot break its readers.
bool fits_layout(std::string_view data, std::string_view layout) {
  size_t at = 0;
  for (char kind : layout) {
    size_t size = 0;
    switch (kind) {
      case 'n':
      case 'N': {
        size_t start = at;
        while (at < data.size() && data[at] != 0) {
          if (static_cast<unsigned char>(data[at]) > kMaxLabel) return false;
          at += 1 + static_cast<unsigned char>(data[at]);
        }
        size = 1;
        if (at + size - start > kMaxName) return false;
        break;
      }
      case 'b':
        size = 1;
        break;
      case 'w':
        size = 2;
        break;
      case 'd':
      case 't':
      case '4':
        size = 4;
        break;
      case '6':
        size = 16;
        break;
      case 's':
        size = at < data.size() ? 1 + static_cast<size_t>(static_cast<unsigned char>(data[at])) : 1;
        break;
      default:
        return at <= data.size();
    }
    at += size;
    if (at > data.size()) return false;
  }
  return at == data.size();
}

}  // namespace

bool parse_ttl(std::string_view text, uint32_t& seconds) {
  uint64_t total = 0;
  uint64_t number = 0;
  bool digits = false;
  for (char c : text) {
    if (ascii_digit(c)) {
      number = number * 10 + static_cast<uint64_t>(c - '0');
      digits = true;
      if (number > INT32_MAX) return false;
      continue;
    }
    if (!digits) return false;
    switch (ascii_lower(c)) {
      case 'w':
        number *= 7 * 86400;
        break;
      case 'd':
        number *= 86400;
        break;
      case 'h':
        number *= 3600;
        break;
      case 'm':
        number *= 60;
        break;
      case 's':
        break;
      default:
        return false;
    }
    total += number;
    number = 0;
    digits = false;
  }
  total += number;
  if (text.empty() || total > INT32_MAX) return false;
  seconds = static_cast<uint32_t>(total);
  return true;
}

bool parse_rdata(uint16_t type, std::span<const Token> words, const Name& origin, std::string& out,
                 Complaint& complaint) {
  const TypeInfo* info = type_info(type);
  size_t start = out.size();
  if (!words.empty() && words[0].text == "\\#" && !words[0].quoted) {
    if (!parse_generic(words, out, complaint)) return false;
    std::string_view data = std::string_view(out).substr(start);
    bool fits = info == nullptr || info->layout.empty() || fits_layout(data, info->layout);
    if (!fits || !fits_service_binding(type, data)) {
      complaint = {&words[0], "these octets are not the data of a record of type " + std::string(info->name), {}};
      return false;
    }
  } else if (info == nullptr) {
    complaint = {words.empty() ? nullptr : &words[0],
                 "the data of " + type_text(type) + " is written as \\# length hexadecimal",
                 {}};
    return false;
  } else if (!info->layout.empty()) {
    if (!Fields(*info, words, origin, out, complaint).parse()) return false;
  } else if (type == type::kSvcb || type == type::kHttps) {
    if (!parse_service_binding(words, origin, out, complaint)) return false;
  } else if (std::string why; !parse_with_ldns(*info, words, origin, out, why)) {
    complaint = {words.empty() ? nullptr : &words[0], why, {}};
    return false;
  }
  if (out.size() - start > 65535) {
    complaint = {&words[0], "the data is longer than 65535 octets", {}};
    return false;
  }
  return true;
}

}  // namespace umaya::named
