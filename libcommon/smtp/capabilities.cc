#include "libcommon/smtp/capabilities.h"

#include <algorithm>

#include "libcommon/base/strings.h"

namespace umaya::smtp {

namespace {

struct Keyword {
  std::string_view word;
  Feature feature;
};

constexpr Keyword kKeywords[] = {
    {"PIPELINING", kPipelining}, {"SIZE", kSize},
    {"8BITMIME", kEightBitMime}, {"DSN", kDsn},
    {"SMTPUTF8", kSmtpUtf8},     {"CHUNKING", kChunking},
    {"STARTTLS", kStartTls},     {"AUTH", kAuth},
    {"XFORWARD", kXforward},     {"ENHANCEDSTATUSCODES", kEnhancedStatusCodes},
};

bool is_discarded(std::string_view word, const std::vector<std::string>& discard) {
  return std::ranges::any_of(discard, [word](const std::string& d) { return iequals(d, word); });
}

void take_arguments(Capabilities& out, Feature feature, const std::vector<std::string_view>& words) {
  if (feature == kSize && words.size() > 1) out.size_limit = parse_uint(words[1]).value_or(0);
  auto& list = feature == kAuth ? out.auth_mechanisms : out.xforward;
  if (feature != kAuth && feature != kXforward) return;
  for (size_t i = 1; i < words.size() && i <= 32; ++i) list.push_back(to_upper(words[i]));
}

}  // namespace

Capabilities parse_capabilities(const Reply& reply, const std::vector<std::string>& discard) {
  Capabilities out;
  out.features = kEsmtp;
  for (size_t i = 0; i < reply.lines.size(); ++i) {
    auto words = split(reply.lines[i], " \t");
    if (words.empty()) continue;
    if (i == 0) {
      out.server_name = words[0];
      continue;
    }
    std::string_view word = words[0];
    if (istarts_with(word, "AUTH=")) word = "AUTH";  // servers from before RFC 2554
    if (is_discarded(word, discard)) continue;
    for (const Keyword& k : kKeywords) {
      if (!iequals(word, k.word)) continue;
      out.features |= k.feature;
      take_arguments(out, k.feature, words);
    }
  }
  return out;
}

}  // namespace umaya::smtp
