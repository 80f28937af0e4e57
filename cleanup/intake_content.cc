// The content of a message: checks, headers, body.
#include <time.h>

#include "cleanup/intake.h"
#include "libcommon/base/clock.h"
#include "libcommon/base/strings.h"
#include "libcommon/log/log.h"
#include "libcommon/message/address.h"
#include "libcommon/message/received.h"
#include "libcommon/table/settle.h"

namespace umaya::cleanup {

using message::HeaderClass;
namespace sc = services::cleanup;

namespace {

constexpr size_t kLoggedText = 200;

bool is_listed(const std::vector<std::string>& names, std::string_view name) {
  for (const std::string& one : names) {
    if (iequals(one, name)) return true;
  }
  return false;
}

}  // namespace

HeaderWork Intake::header_work() {
  HeaderWork work;
  work.router = &service_.router();
  if (option(sc::kCheckContent)) work.checks = &service_.checks();
  work.max_tokens = static_cast<size_t>(service_.params().header_address_token_limit);
  work.map_addresses = option(sc::kMapAddresses);
  if (option(sc::kRewriteLocally)) {
    work.rewrite = route::Context::local;
  } else if (service_.router().rewrites_remote_headers()) {
    work.rewrite = route::Context::remote;
  }
  work.body_checked = body_checked_;
  work.body_limit = static_cast<uint64_t>(service_.params().body_checks_size_limit);
  return work;
}

event::Task<void> Intake::work_on_events() {
  std::vector<Event> events = scanner_->take();
  for (Event& event : events) {
    if (failed()) co_return;
    if (event.kind == EventKind::body_block) {
      write(event.text);
      continue;
    }
    if (event.kind == EventKind::headers_end) {
      if (event.header_class == HeaderClass::primary && in_headers_) {
        end_headers();
      } else if (event.complete) {
        write("\r\n");
      }
      body_checked_ = 0;
      continue;
    }
    HeaderWork work = header_work();
    auto run = [&work, &event] { return work(event); };
    EventResult result = co_await table::settle(std::move(run));
    apply(event, result);
    if (event.kind == EventKind::body_line) body_checked_ += event.text.size();
  }
}

void Intake::apply(const Event& event, const EventResult& result) {
  if (result.error) return fail_with(*result.error, "content");
  if (!result.warning.empty()) log::warning("{}: {}", id_, result.warning);
  if (result.action) act(event, *result.action);
  if (failed() || result.drop) return;
  if (event.kind == EventKind::body_line) {
    write(result.text);
    if (event.complete || result.action) write("\r\n");
    return;
  }
  if (event.header_class == HeaderClass::primary || event.header_class == HeaderClass::mime) note_header(event, result);
  auto header = message::split_header(result.text);
  bool is_ours = in_headers_ && header && is_listed(service_.params().message_drop_headers, header->name);
  if (!failed() && !is_ours) write_line(result.text);
}

/// Counts hops, logs the Message-Id, remembers which headers there are, gathers recipients.
void Intake::note_header(const Event&, const EventResult& result) {
  if (service_.params().strict_7bit_headers && !is_ascii(result.text)) {
    return fail(550, "5.6.0", "improper use of 8-bit data in message header");
  }
  // Mail of this host that needs SMTPUTF8 says so by what stands in its headers (smtputf8_autodetect_classes).
  if (detects_utf8_ && !is_ascii(result.text) && valid_utf8(result.text)) envelope_.flags |= queue::flag::kSmtpUtf8;
  if (result.type == nullptr) return;
  const HeaderType& type = *result.type;
  seen_.add(type.id);
  resent_ = resent_ || type.resent;
  auto header = message::split_header(result.text);
  if (type.id == HeaderId::received && ++hops_ >= service_.params().hopcount_limit) {
    fail(554, "5.4.6", "Error: too many hops");
  } else if (type.id == HeaderId::message_id) {
    log::info("{}: message-id={}", id_, trim(header->value));
  } else if (type.id == HeaderId::resent_message_id) {
    log::info("{}: resent-message-id={}", id_, trim(header->value));
  }
  if (!option(sc::kExtractRecipients) || !type.names_recipients) return;
  auto& list = type.resent ? resent_extracted_ : extracted_;
  list.insert(list.end(), result.addresses.begin(), result.addresses.end());
}

void Intake::log_action(std::string_view word, const Event& event, std::string_view text) {
  std::string line =
      fmt::format("{}: {}: {} {} from {};", id_, word, event.kind == EventKind::header ? "header" : "body",
                  std::string_view(event.text).substr(0, kLoggedText), origin_);
  line += " from=<" + envelope_.sender + ">";
  if (!last_recipient_.empty()) line += " to=<" + last_recipient_ + ">";
  if (!envelope_.client_protocol.empty()) line += " proto=" + envelope_.client_protocol;
  if (!envelope_.client_helo.empty()) line += " helo=<" + envelope_.client_helo + ">";
  if (!text.empty()) line.append(": ").append(text);
  log::info("{}", line);
}

void Intake::act_reject(const Event& event, const Action& action) {
  auto [dsn, text] = split_dsn_text(action.text, "5.7.1");
  if (text.empty()) text = "message content rejected";
  log_action("reject", event, dsn + " " + text);
  // "REJECT 4.7.1 …" is a temporary refusal: the code follows its class.
  fail(dsn[0] == '4' ? 450 : 550, dsn, text);
}

void Intake::act(const Event& event, const Action& action) {
  switch (action.verb) {
    case Verb::reject:
      return act_reject(event, action);
    case Verb::warn:
      return log_action("warning", event, action.text);
    case Verb::info:
      return log_action("info", event, action.text);
    case Verb::pass:
      log_action("pass", event, action.text);
      options_ &= ~static_cast<uint32_t>(sc::kCheckContent);
      return;
    case Verb::discard:
      log_action("discard", event, action.text);
      discard_ = true;
      options_ &= ~static_cast<uint32_t>(sc::kCheckContent);
      return;
    case Verb::hold: {
      if (queue_ == queue::QueueName::hold) return;
      log_action("hold", event, action.text);
      auto moved = service_.spool().move(id_, queue_, queue::QueueName::hold);
      if (!moved) return fail_with(moved.error(), "hold");
      queue_ = queue::QueueName::hold;
      return;
    }
    case Verb::filter:
      log_action("filter", event, action.text);
      envelope_.content_filter = action.text;
      return;
    case Verb::redirect:
      log_action("redirect", event, action.text);
      envelope_.redirect = action.text;
      return;
    case Verb::bcc:
      log_action("bcc", event, action.text);
      bcc_.push_back(action.text);
      return;
    case Verb::prepend:
      log_action("prepend", event, action.text);
      return write_line(action.text);
    case Verb::replace:
      return log_action("replace", event, action.text);
    case Verb::strip:
      return log_action("strip", event, action.text);
    case Verb::ignore:
    case Verb::keep:
      return;
  }
}

void Intake::end_headers() {
  in_headers_ = false;
  add_missing_headers();
  write("\r\n");
}

void Intake::add_missing_headers() {
  const Params& p = service_.params();
  std::string prefix = resent_ ? "Resent-" : "";
  int64_t seconds = envelope_.arrival_usec / 1'000'000;
  bool complete = header_work().rewrite.has_value() || p.always_add_missing_headers;
  if (complete && !seen_.has(resent_ ? HeaderId::resent_message_id : HeaderId::message_id)) {
    std::string id = p.enable_long_queue_ids ? "<" + id_ + "@" + p.myhostname + ">"
                                             : message::make_message_id(seconds, id_, p.myhostname);
    write_line(prefix + "Message-Id: " + id);
    log::info("{}: {}message-id={}", id_, resent_ ? "resent-" : "", id);
    seen_.add(resent_ ? HeaderId::resent_message_id : HeaderId::message_id);
  }
  if (!seen_.has(HeaderId::message_id)) log::info("{}: message-id=<>", id_);
  if (!complete) return;
  if (!seen_.has(resent_ ? HeaderId::resent_date : HeaderId::date)) {
    write_line(prefix + "Date: " + rfc5322_date(seconds));
  }
  if (!seen_.has(resent_ ? HeaderId::resent_from : HeaderId::from)) {
    auto name = envelope_.extra.find("full_name");
    FromFormat format = p.header_from_format == "obsolete" ? FromFormat::obsolete : FromFormat::standard;
    write_line(from_header(prefix, envelope_.sender, name == envelope_.extra.end() ? "" : name->second, format,
                           p.full_name_encoding_charset));
  }
  bool has_destination = seen_.has(HeaderId::to) || seen_.has(HeaderId::cc) || seen_.has(HeaderId::resent_to) ||
                         seen_.has(HeaderId::resent_cc);
  if (has_destination || p.undisclosed_recipients_header.empty()) return;
  if (message::split_header(p.undisclosed_recipients_header)) {
    write_line(p.undisclosed_recipients_header);
  } else {
    log::warning("bad undisclosed_recipients_header \"{}\" -- need \"headername: headervalue\"",
                 p.undisclosed_recipients_header);
  }
}

void Intake::check_structure() {
  const Params& p = service_.params();
  if (failed() || !option(sc::kCheckContent) || p.disable_mime_input_processing) return;
  const message::MimeProblems& found = scanner_->problems();
  if ((p.strict_8bitmime || p.strict_8bitmime_body) && found.eight_bit_body) {
    fail(550, "5.6.0", "improper use of 8-bit data in message body");
  } else if (p.strict_8bitmime && found.eight_bit_header) {
    fail(550, "5.6.0", "improper use of 8-bit data in message header");
  } else if (p.strict_mime_encoding_domain && found.bad_encoding_domain) {
    fail(550, "5.6.0", "improper message/* or multipart/* encoding domain");
  } else if (found.nesting) {
    fail(550, "5.6.0", "MIME nesting exceeds safety limit");
  }
}

void Intake::write(std::string_view text) {
  if (failed()) return;
  if (auto written = writer_->append(text); !written) fail_with(written.error(), "write queue file");
}

void Intake::write_line(std::string_view line) {
  write(line);
  write("\r\n");
}

}  // namespace umaya::cleanup
