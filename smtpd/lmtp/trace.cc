#include "smtpd/lmtp/trace.h"

#include <fmt/format.h>

#include <ctime>

#include "libcommon/auth/digest.h"
#include "libcommon/base/strings.h"
#include "libcommon/message/header.h"

namespace umaya::smtpd {

/// A message that was received longer ago, or later from now on, has a clock of its own.
static constexpr int64_t kOldest = 60 * 86400;
static constexpr int64_t kLatest = 2 * 86400;

std::optional<int64_t> received_time(std::string_view field) {
  size_t semicolon = field.rfind(';');
  if (semicolon == std::string_view::npos) return {};
  std::string date = message::unfold(field.substr(semicolon + 1));
  if (date.size() > 100 || date.find('\0') != std::string::npos) return {};
  size_t comma = date.find(',');
  if (comma != std::string::npos) date.erase(0, comma + 1);
  tm parts{};
  if (strptime(date.c_str(), " %d %b %Y %H:%M:%S %z", &parts) == nullptr) return {};
  long zone = parts.tm_gmtoff;  // timegm() sets it
  return timegm(&parts) - zone;
}

Trace read_trace(std::string_view text) {
  Trace trace;
  message::HeaderScanner scanner;
  auto look = [&trace](const message::Header& header) {
    if (iequals(header.name, "received")) {
      if (trace.hops++ == 0) trace.received = received_time(header.value);
    } else if (trace.message_id.empty() && iequals(header.name, "message-id")) {
      trace.message_id = printable(message::unfold(header.value).substr(0, 500), true);
    }
  };
  scanner.feed(text, look);
  scanner.finish(look);
  return trace;
}

std::string origin_from(const Trace& trace, std::string_view sender, std::string_view text, uint64_t size,
                        int64_t now) {
  if (!trace.received || *trace.received < now - kOldest || *trace.received > now + kLatest) return {};
  std::string head = fmt::format("{}\n{}\n", size, sender);
  std::string digest = auth::digest(auth::Hash::sha256, head, text.substr(0, kTraceOctets));
  return fmt::format("{}.L{}", *trace.received, hex_encode(std::string_view(digest).substr(0, 16)));
}

}  // namespace umaya::smtpd
