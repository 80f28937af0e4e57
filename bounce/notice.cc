#include "bounce/notice.h"

#include <fmt/format.h>

#include <algorithm>

#include "libcommon/base/clock.h"
#include "libcommon/base/strings.h"
#include "libcommon/message/address.h"
#include "libcommon/message/header.h"

namespace umaya::bounce {
namespace {

constexpr size_t kLine = 78;
constexpr std::string_view kEnd = "\r\n";

const message::BounceTemplate& template_of(NoticeKind kind, const message::BounceTemplates& all) {
  switch (kind) {
    case NoticeKind::failure:
      return all.failure;
    case NoticeKind::delay:
      return all.delay;
    case NoticeKind::success:
      return all.success;
    case NoticeKind::verification:
      return all.verify;
  }
  return all.failure;
}

/// Writes one notice; each function adds one section of it.
class Composer {
 public:
  Composer(const NoticeRequest& request, const NoticeSettings& settings)
      : request_(request),
        settings_(settings),
        words_(template_of(request.kind, settings.templates)),
        boundary_(fmt::format("{}.{}/{}", request.queue_id, request.now_seconds, settings.hostname)) {
    text_ = request.audience == Audience::sender ? message::expand_bounce_text(words_, settings.lookup) : std::string();
    utf8_ = request.smtputf8 || !is_ascii(request.sender) ||
            std::ranges::any_of(request.records, [](const auto& r) { return !is_ascii(r.recipient.address); });
    eight_bit_ = request.eight_bit || utf8_ || !is_ascii(text_);
  }

  Notice compose() {
    headers();
    words();
    status();
    returned_head();
    notice_.tail = fmt::format("\r\n--{}--\r\n", boundary_);
    notice_.eight_bit = eight_bit_;
    notice_.smtputf8 = utf8_;
    return std::move(notice_);
  }

 private:
  void line(std::string_view text) { notice_.head.append(text).append(kEnd); }
  void field(std::string_view name, std::string_view value) { line(fold_text(fmt::format("{}: {}", name, value))); }
  void encoding() {
    if (eight_bit_) line("Content-Transfer-Encoding: 8bit");
  }
  void begin_part(std::string_view description, std::string_view type) {
    line(fmt::format("--{}", boundary_));
    line(fmt::format("Content-Description: {}", description));
    line(fmt::format("Content-Type: {}", type));
  }

  void headers() {
    const bool copy = request_.audience == Audience::postmaster && !words_.postmaster_subject.empty();
    line("Date: " + rfc5322_date(request_.now_seconds));
    line("From: " + message::qualify_bounce_from(words_.from, settings_.origin));
    line("Subject: " + (copy ? words_.postmaster_subject : words_.subject));
    line("To: " + shown(request_.to));
    threading();
    line("Auto-Submitted: auto-replied");
    line("MIME-Version: 1.0");
    line(fmt::format("Content-Type: multipart/report; report-type={}delivery-status;", utf8_ ? "global-" : ""));
    line(fmt::format("\tboundary=\"{}\"", boundary_));
    encoding();
    line("");
    line("This is a MIME-encapsulated message.");
    line("");
  }

  /// References, so that mail programs show the notice with the message.
  void threading() {
    if (!settings_.threaded) return;
    auto id = message::find_header(request_.content_head, "Message-Id");
    if (!id || id->empty()) return;
    auto former = message::find_header(request_.content_head, "References");
    field("References", printable(former && !former->empty() ? *former + " " + *id : *id, utf8_));
    field("In-Reply-To", printable(*id, utf8_));
  }

  void words() {
    const bool declared = !iequals(words_.charset, "us-ascii") || !eight_bit_;
    begin_part("Notification", fmt::format("text/plain; charset={}", declared ? words_.charset : "utf-8"));
    encoding();
    line("");
    for (std::string_view rest = text_; !rest.empty();) {
      size_t end = std::min(rest.find('\n'), rest.size());
      line(rest.substr(0, end));
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    for (const queue::BounceRecord& record : request_.records) {
      line("");
      person(record);
    }
    line("");
  }

  /// "<user@host> (expanded from <list@host>): reason".
  void person(const queue::BounceRecord& record) {
    const queue::Recipient& to = record.recipient;
    std::string text = fmt::format("<{}>", shown(to.address));
    if (!to.original.empty() && !iequals(to.original, to.address)) {
      text += fmt::format(" (expanded from <{}>)", shown(to.original));
    }
    line(fold_text(fmt::format("{}: {}", text, printable(record.reason, utf8_))));
  }

  void status() {
    begin_part("Delivery report", utf8_ ? "message/global-delivery-status" : "message/delivery-status");
    encoding();
    line("");
    field("Reporting-MTA", "dns; " + settings_.hostname);
    if (!request_.envid.empty()) field("Original-Envelope-Id", printable(request_.envid));
    field(fmt::format("X-{}-Queue-ID", own_name()), request_.queue_id);
    if (!request_.sender.empty()) field(fmt::format("X-{}-Sender", own_name()), typed(request_.sender));
    field("Arrival-Date", rfc5322_date(request_.arrival_seconds));
    for (const queue::BounceRecord& record : request_.records) {
      line("");
      recipient_fields(record);
    }
    line("");
  }

  void recipient_fields(const queue::BounceRecord& record) {
    const queue::Recipient& to = record.recipient;
    field("Final-Recipient", typed(to.address));
    if (!to.dsn_original.empty()) {
      field("Original-Recipient", printable(to.dsn_original, utf8_));
    } else if (!to.original.empty()) {
      field("Original-Recipient", typed(to.original));
    }
    field("Action", record.action);
    field("Status", record.status);
    if (!record.mta_name.empty()) {
      field("Remote-MTA",
            fmt::format("{}; {}", record.mta_type.empty() ? "dns" : record.mta_type, printable(record.mta_name)));
    }
    if (!record.diag_type.empty() && !record.diag_text.empty()) {
      field("Diagnostic-Code", fmt::format("{}; {}", record.diag_type, printable(record.diag_text, utf8_)));
    } else if (!record.reason.empty()) {
      field("Diagnostic-Code", fmt::format("X-{}; {}", own_name(), printable(record.reason, utf8_)));
    }
    if (request_.retry_until_seconds > 0) field("Will-Retry-Until", rfc5322_date(request_.retry_until_seconds));
  }

  void returned_head() {
    const bool all = request_.returned == Returned::message;
    const bool headline = request_.kind == NoticeKind::failure || request_.kind == NoticeKind::delay;
    begin_part(
        fmt::format("{}Message{}", headline ? "Undelivered " : "", all ? "" : " Headers"),
        utf8_ ? (all ? "message/global" : "message/global-headers") : (all ? "message/rfc822" : "text/rfc822-headers"));
    encoding();
    line("");
    line(fmt::format("Return-Path: <{}>", shown(request_.sender)));
    notice_.returned = all ? request_.content_size : header_section_size(request_.content_head);
  }

  /// The name in our own field names: letters, digits and hyphens of mail_name.
  std::string own_name() const {
    std::string name;
    for (char c : settings_.mail_name) name.push_back(ascii_alnum(c) ? c : '-');
    return name;
  }

  /// An address as text of ours: nothing in it ends a line, and 8-bit only where the notice says so.
  std::string shown(const std::string& address) const { return printable(message::to_external(address), utf8_); }

  /// "rfc822; user@host" (RFC 3464 2.3.2, RFC 6533 section 3).
  std::string typed(const std::string& address) const {
    return fmt::format("{}; {}", is_ascii(address) ? "rfc822" : "utf-8", shown(address));
  }

  const NoticeRequest& request_;
  const NoticeSettings& settings_;
  const message::BounceTemplate& words_;
  const std::string boundary_;
  std::string text_;
  bool utf8_ = false;
  bool eight_bit_ = false;
  Notice notice_;
};

}  // namespace

Notice compose_notice(const NoticeRequest& request, const NoticeSettings& settings) {
  return Composer(request, settings).compose();
}

size_t header_section_size(std::string_view content) {
  size_t at = 0;
  while (at < content.size()) {
    size_t end = content.find('\n', at);
    std::string_view line = content.substr(at, end == content.npos ? content.npos : end - at);
    if (line.empty() || line == "\r") break;
    const bool continuation = ascii_space(line[0]);
    if (!continuation && !message::header_name(line)) break;
    at = end == content.npos ? content.size() : end + 1;
  }
  return at;
}

std::string fold_text(std::string_view text) {
  std::string out;
  std::string_view indent;
  while (indent.size() + text.size() > kLine) {
    size_t room = kLine - indent.size();
    size_t at = text.rfind(' ', room);
    if (at == 0 || at == text.npos) at = text.find(' ', room);
    if (at == text.npos) break;
    out.append(indent).append(text.substr(0, at)).append(kEnd);
    text.remove_prefix(std::min(text.find_first_not_of(' ', at), text.size()));
    indent = "    ";
  }
  if (!text.empty() || out.empty()) return out.append(indent).append(text);
  out.resize(out.size() - kEnd.size());
  return out;
}

std::vector<queue::BounceRecord> wanted_records(std::span<const queue::BounceRecord> records, uint8_t kind) {
  std::vector<queue::BounceRecord> wanted;
  for (const queue::BounceRecord& record : records) {
    if (queue::wants_notice(record.recipient.notify, kind)) wanted.push_back(record);
  }
  return wanted;
}

}  // namespace umaya::bounce
