#include "smtpd/client_attributes.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "libcommon/base/strings.h"
#include "libcommon/message/domain.h"
#include "libcommon/net/address.h"

namespace umaya::smtpd {

namespace {

constexpr size_t kLongestValue = 255;
constexpr size_t kLongestProtocol = 64;

struct Word {
  std::string_view word;
  AttributeName name;
};
constexpr auto kWords = std::to_array<Word>({{"NAME", AttributeName::name},
                                             {"REVERSE_NAME", AttributeName::reverse_name},
                                             {"ADDR", AttributeName::address},
                                             {"PORT", AttributeName::port},
                                             {"PROTO", AttributeName::protocol},
                                             {"HELO", AttributeName::helo},
                                             {"IDENT", AttributeName::ident},
                                             {"SOURCE", AttributeName::source},
                                             {"LOGIN", AttributeName::login}});

smtp::Refusal refusal(std::string text) {
  return {501, "5.5.4", std::move(text)};
}

const Word* find_word(std::string_view word, const AttributeCommand& command) {
  for (const Word& known : kWords) {
    if (!iequals(known.word, word)) continue;
    // The first word of the keyword line is the verb itself.
    auto taken = smtp::split_words(command.keyword);
    return std::find(taken.begin() + 1, taken.end(), known.word) == taken.end() ? nullptr : &known;
  }
  return nullptr;
}

/// No white space, control byte, non-ASCII byte or character that has a meaning in a header.
void neuter(std::string& value) {
  for (char& c : value) {
    bool harmless = c > ' ' && c < 127 && std::string_view("<>()\\\";@").find(c) == std::string_view::npos;
    if (!harmless) c = '?';
  }
}

bool read_address(std::string& value) {
  constexpr std::string_view kMark = "IPV6:";
  bool marked = value.size() > kMark.size() && iequals(std::string_view(value).substr(0, kMark.size()), kMark);
  auto address = net::IpAddress::parse(std::string_view(value).substr(marked ? kMark.size() : 0));
  if (!address || (marked && !address->is_v6())) return false;
  value = address->unmapped().to_string();
  return true;
}

bool read_protocol(const std::string& value, const AttributeCommand& command) {
  if (command.verb == kXclient.verb) return iequals(value, "SMTP") || iequals(value, "ESMTP") || iequals(value, "LMTP");
  return value.size() <= kLongestProtocol;
}

bool read_source(std::string& value) {
  value = to_upper(value);
  return value == "LOCAL" || value == "REMOTE";
}

/// Checks a value for its kind and gives it its usual form.
bool read_value(AttributeName name, std::string& value, const AttributeCommand& command) {
  if (name == AttributeName::address) return read_address(value);
  if (name == AttributeName::login) return printable(value, true) == value;
  neuter(value);
  switch (name) {
    case AttributeName::name:
    case AttributeName::reverse_name:
      return message::valid_hostname(value);
    case AttributeName::port: {
      auto port = parse_uint(value);
      return port && *port > 0 && *port < 65536;
    }
    case AttributeName::protocol:
      return read_protocol(value, command);
    case AttributeName::source:
      return read_source(value);
    default:
      return !value.empty();
  }
}

}  // namespace

std::expected<std::vector<ClientAttribute>, smtp::Refusal> parse_client_attributes(std::string_view arguments,
                                                                                   const AttributeCommand& command) {
  auto words = smtp::split_words(arguments);
  if (words.empty()) return std::unexpected(refusal(fmt::format("Syntax: {} attribute=value...", command.verb)));
  std::vector<ClientAttribute> out;
  for (std::string_view word : words) {
    size_t equals = word.find('=');
    if (equals == std::string_view::npos) return std::unexpected(refusal("Error: attribute=value expected"));
    const Word* known = find_word(word.substr(0, equals), command);
    if (!known) {
      return std::unexpected(
          refusal(fmt::format("Bad {} attribute name: {}", command.verb, printable(word.substr(0, equals)))));
    }
    std::string_view text = word.substr(equals + 1);
    auto value = smtp::xtext_decode(text);
    if (!value || text.empty() || value->size() > kLongestValue) {
      return std::unexpected(refusal(fmt::format("Bad attribute value syntax: {}", printable(text.substr(0, 100)))));
    }
    ClientAttribute attribute{known->name, Known::yes, std::move(*value)};
    if (iequals(attribute.value, "[UNAVAILABLE]")) attribute.known = Known::no;
    bool may_be_transient = known->name == AttributeName::name || known->name == AttributeName::reverse_name;
    if (may_be_transient && iequals(attribute.value, "[TEMPUNAVAIL]")) attribute.known = Known::not_now;
    if (attribute.known != Known::yes) {
      attribute.value.clear();
    } else if (!read_value(known->name, attribute.value, command)) {
      return std::unexpected(refusal(fmt::format("Bad {} syntax: {}", known->word, printable(text.substr(0, 100)))));
    }
    out.push_back(std::move(attribute));
  }
  return out;
}

}  // namespace umaya::smtpd
