#include "commands/postqueue/mailq.h"

#include <fmt/format.h>

#include <ctime>

#include "libcommon/base/strings.h"

namespace umaya::postqueue {
namespace {

using services::showq::Entry;
using services::showq::EntryRecipient;

constexpr size_t kReasonEnd = 76;

std::string sender_of(const Entry& entry) {
  return entry.sender.empty() ? "MAILER-DAEMON" : entry.sender;
}

/// "Sun Nov 22 04:18:03", local time.
std::string time_text(int64_t seconds) {
  time_t time = static_cast<time_t>(seconds);
  tm parts{};
  ::localtime_r(&time, &parts);
  char text[32];
  size_t size = std::strftime(text, sizeof text, "%a %b %e %H:%M:%S", &parts);
  return {text, size};
}

/// The bytes of the UTF-8 character at the beginning; 0: none.
size_t utf8_length(std::string_view text) {
  for (size_t n = 2; n <= 4 && n <= text.size(); ++n) {
    if (valid_utf8(text.substr(0, n))) return n;
  }
  return 0;
}

}  // namespace

std::string MailqText::line(std::string_view id, std::string_view size, std::string_view time,
                            std::string_view address) const {
  return form_ == queue::IdForm::long_form ? fmt::format("{:<17} {:>8} {:<19} {}\n", id, size, time, address)
                                           : fmt::format("{:<11} {:>7} {:<20} {}\n", id, size, time, address);
}

std::string MailqText::heading() const {
  return form_ == queue::IdForm::long_form
             ? line("----Queue ID-----", "--Size--", "---Arrival Time----", "--Sender/Recipient------")
             : line("-Queue ID-", "--Size--", "----Arrival Time----", "-Sender/Recipient-------");
}

std::string MailqText::add(const Entry& entry) {
  std::string out;
  if (!inside_) {
    out = messages_ == 0 ? heading() : "\n";
    std::string id = printable(entry.queue_id);
    if (entry.queue_name == "active") id += '*';
    if (entry.queue_name == "hold") id += '!';
    if (entry.forced_expire) id += '#';
    out += line(id, std::to_string(entry.size), time_text(entry.arrival_seconds), printable(sender_of(entry), true));
    reason_.clear();
    ++messages_;
    bytes_ += entry.size;
  }
  for (const EntryRecipient& recipient : entry.recipients) {
    std::string reason = recipient.reason;
    if (reason.empty() && !reason_.empty()) reason = "reason unavailable";
    if (reason != reason_) {
      std::string text = printable(reason, true);
      out += fmt::format("{}({})\n", std::string(text.size() < kReasonEnd ? kReasonEnd - text.size() : 0, ' '), text);
      reason_ = reason;
    }
    out += line("", "", "", printable(recipient.address, true));
  }
  inside_ = entry.more;
  return out;
}

std::string MailqText::end() const {
  if (messages_ == 0) return "Mail queue is empty\n";
  return fmt::format("\n-- {} Kbytes in {} Request{}.\n", bytes_ / 1024, messages_, messages_ == 1 ? "" : "s");
}

std::string json_string(std::string_view text) {
  std::string out = "\"";
  while (!text.empty()) {
    unsigned char c = static_cast<unsigned char>(text[0]);
    size_t used = 1;
    if (c == '"' || c == '\\') {
      out += '\\';
      out += text[0];
    } else if (c < ' ' || c == 127) {
      out += fmt::format("\\u{:04X}", c);
    } else if (c < 127) {
      out += text[0];
    } else if (size_t length = utf8_length(text); length > 0) {
      out += text.substr(0, length);
      used = length;
    } else {
      out += '?';
    }
    text.remove_prefix(used);
  }
  return out + '"';
}

std::string MailqJson::add(const Entry& entry) {
  if (!inside_) {
    whole_ = entry;
  } else {
    whole_.recipients.insert(whole_.recipients.end(), entry.recipients.begin(), entry.recipients.end());
  }
  inside_ = entry.more;
  if (inside_) return {};
  std::string out = fmt::format(
      "{{\"queue_name\": {}, \"queue_id\": {}, \"arrival_time\": {}, \"message_size\": {}, \"forced_expire\": {}, "
      "\"sender\": {}, \"recipients\": [",
      json_string(whole_.queue_name), json_string(whole_.queue_id), whole_.arrival_seconds, whole_.size,
      whole_.forced_expire, json_string(sender_of(whole_)));
  bool first = true;
  for (const EntryRecipient& recipient : whole_.recipients) {
    out += first ? "{" : ", {";
    first = false;
    if (!recipient.original.empty()) out += fmt::format("\"orig_address\": {}, ", json_string(recipient.original));
    out += fmt::format("\"address\": {}", json_string(recipient.address));
    if (!recipient.reason.empty()) {
      out += fmt::format(", \"{}\": {}", recipient.bounced ? "bounce_reason" : "delay_reason",
                         json_string(recipient.reason));
    }
    out += '}';
  }
  return out + "]}";
}

}  // namespace umaya::postqueue
