#include "smtpd/notice.h"

#include <fmt/format.h>

#include "libcommon/base/strings.h"

namespace umaya::smtpd {

static constexpr size_t kLongest = 8 * 1024;
static constexpr size_t kKeptBeginning = 2 * 1024;
static constexpr size_t kLongestLine = 512;

uint8_t trouble_of(int code, std::string_view dsn, std::string_view text) {
  if (code < 400) return kNoTrouble;
  std::string_view detail = dsn.size() > 2 ? dsn.substr(2) : dsn;
  if (detail == "3.1") return kResource;
  if (detail == "3.4") return kPolicy;  // message too big
  if (detail == "4.2") return kNoTrouble;
  if (detail == "3.2") return kNoTrouble;  // we are shutting down
  if (detail == "3.0" && text.ends_with("lookup failure")) return kData;
  if (detail.starts_with("3.")) return kSoftware;
  if (detail.empty() || detail.starts_with("5.")) return kProtocol;
  return kPolicy;
}

uint8_t notify_mask(const std::vector<std::string>& words) {
  uint8_t mask = kNoTrouble;
  for (const std::string& word : words) {
    if (iequals(word, "policy") || iequals(word, "bounce")) mask |= kPolicy;
    if (iequals(word, "protocol")) mask |= kProtocol;
    if (iequals(word, "resource")) mask |= kResource;
    if (iequals(word, "software")) mask |= kSoftware;
    if (iequals(word, "data")) mask |= kData;
  }
  return mask;
}

void Transcript::add(std::string_view mark, std::string_view line) {
  text_.append(mark).append(printable(line.substr(0, kLongestLine))).append("\r\n");
  if (text_.size() <= kLongest) return;
  size_t from = text_.find("\r\n", kKeptBeginning) + 2;
  size_t to = text_.find("\r\n", text_.size() - (kLongest - kKeptBeginning) / 2) + 2;
  text_.replace(from, to - from, " ...\r\n");
}

void Transcript::add_out(std::string_view lines) {
  while (!lines.empty()) {
    size_t end = lines.find("\r\n");
    add(" Out: ", lines.substr(0, end));
    lines.remove_prefix(end == std::string_view::npos ? lines.size() : end + 2);
  }
}

std::string notice_text(const NoticeFacts& facts, const Transcript& transcript) {
  std::string text = fmt::format(
      "From: MAILER-DAEMON (Mail Delivery System)\r\nTo: {} (Postmaster)\r\n"
      "Subject: {} SMTP server: errors from {}\r\nAuto-Submitted: auto-generated\r\n\r\n"
      "Transcript of session follows.\r\n\r\n",
      facts.recipient, facts.mail_name, printable(facts.client));
  text += transcript.text();
  if (!facts.reason.empty()) text += fmt::format("\r\nSession aborted, reason: {}\r\n", facts.reason);
  return text + "\r\nFor other details, see the local mail logfile\r\n";
}

}  // namespace umaya::smtpd
