#include "cleanup/intake.h"

#include <sys/statvfs.h>

#include "libcommon/base/strings.h"
#include "libcommon/fs/file.h"
#include "libcommon/log/log.h"
#include "libcommon/services/queue_envelope.h"
#include "libcommon/table/settle.h"

namespace umaya::cleanup {

namespace sc = services::cleanup;
using event::Task;

/// All headers of a message together (attacks.md S14).
static constexpr size_t kHeaderSectionLimit = 1024 * 1024;

Outcome accepted() { return {sc::Verdict::accepted, 250, "2.0.0", ""}; }

Outcome rejected(uint16_t code, std::string dsn, std::string text) {
  return {sc::Verdict::rejected, code, std::move(dsn), std::move(text)};
}

Outcome deferred(const Error& error) {
  if (error.sys_errno == ENOSPC || error.sys_errno == EDQUOT) {
    return {sc::Verdict::deferred, 452, "4.3.1", "Insufficient system storage"};
  }
  return {sc::Verdict::deferred, 451, error.dsn.starts_with("4.") ? error.dsn : "4.3.0", "Error: queue file write error"};
}

static message::MimeLimits mime_limits(const Params& params) {
  message::MimeLimits limits;
  limits.header_size = static_cast<size_t>(params.header_size_limit);
  limits.nesting = static_cast<size_t>(params.mime_nesting_limit);
  limits.boundary = static_cast<size_t>(params.mime_boundary_length_limit);
  return limits;
}

Intake::Intake(const Surroundings& surroundings, Submission submission)
    : s_(surroundings),
      submission_(std::move(submission)),
      mime_(*this, mime_limits(*surroundings.params)),
      headers_only_({.header_size = static_cast<size_t>(surroundings.params->header_size_limit)}),
      duplicates_(static_cast<size_t>(surroundings.params->duplicate_filter_limit)) {
  bool mime = !s_.params->disable_mime_input_processing;
  read_body_ = option(sc::kCheckContent) && s_.checks->checks_body() && (mime || s_.checks->has_body_checks());
}

Intake::~Intake() { discard_file(); }

void Intake::discard_file() {
  if (path_.empty()) return;
  if (auto removed = fs::remove(path_); !removed) log::warning("{}: {}", queue_id(), removed.error().what);
  path_.clear();
}

void Intake::fail(Outcome outcome) {
  if (!failure_) failure_ = std::move(outcome);
}

void Intake::fail(const Error& error) {
  if (failure_) return;
  log::warning("{}: {}", queue_id(), error.what);
  failure_ = deferred(error);
}

/// queue_minfree, and room for the message itself (Postfix asks for half as much again as message_size_limit).
std::optional<Outcome> Intake::check_space() const {
  struct statvfs space;
  if (s_.params->queue_minfree <= 0) return {};
  std::string directory = s_.directories->directory(queue::QueueName::incoming);
  if (statvfs(directory.c_str(), &space) != 0) return {};
  uint64_t free = static_cast<uint64_t>(space.f_bavail) * space.f_frsize;
  uint64_t needed = static_cast<uint64_t>(s_.params->queue_minfree) + submission_.size_hint;
  if (free >= needed) return {};
  log::warning("{}: not enough free space in the queue: {} bytes < queue_minfree", queue_id(), free);
  return deferred(Error{ErrorKind::temporary, ENOSPC, "", {}});
}

std::optional<Outcome> Intake::make_file() {
  if (!queue::valid_id(queue_id())) return rejected(451, "4.3.0", "Error: internal error");
  auto file = s_.directories->create(queue::QueueName::incoming, queue_id());
  if (!file) {
    log::warning("{}: create file: {}", queue_id(), file.error().what);
    return deferred(file.error());
  }
  path_ = s_.directories->path(queue::QueueName::incoming, queue_id());
  queue::Envelope envelope = services::to_file(submission_.envelope);
  namespace flag = queue::flag;
  if (option(sc::kVerifyOnly)) envelope.flags |= flag::kVerifyOnly;
  if (option(sc::kReportDelivery)) envelope.flags |= flag::kRecordDelivery;
  if (option(sc::kBounce)) envelope.flags |= flag::kInternal;
  envelope.rewrite_context = option(sc::kRewriteLocally) ? "local" : "remote";
  if (!submission_.content_filter.empty()) envelope.content_filter = submission_.content_filter;
  envelope.redirect = submission_.redirect;
  writer_.emplace(std::move(*file), std::move(envelope));
  return {};
}

Task<std::optional<Outcome>> Intake::begin() {
  if (auto full = check_space()) co_return full;
  std::string& sender = submission_.envelope.sender;
  if (!sender.empty()) {
    auto question = [this]() -> Result<std::string> {
      std::string full = s_.router->rewrite(submission_.envelope.sender);
      if (!option(sc::kMapAddresses)) return full;
      return s_.router->map_address(full, route::kEnvelopeSender);
    };
    Result<std::string> mapped = co_await table::settle(question);
    if (!mapped) {
      log::warning("{}: {}", queue_id(), mapped.error().what);
      co_return Outcome{sc::Verdict::deferred, 451, "4.3.0", "Error: queue file write error"};
    }
    sender = std::move(*mapped);
  }
  if (auto refused = make_file()) co_return refused;
  facts_.queue_id = queue_id();
  facts_.envelope = &writer_->envelope();
  facts_.local_client = option(sc::kRewriteLocally);
  facts_.map_addresses = option(sc::kMapAddresses);
  facts_.extract_recipients = option(sc::kExtractRecipients);
  facts_.full_name = submission_.envelope.attribute("full_name");
  section_.emplace(*s_.router, *s_.params, facts_);
  co_return std::nullopt;
}

Task<std::optional<Outcome>> Intake::add_recipients(std::vector<services::Recipient> recipients) {
  std::vector<queue::Recipient> stored;
  for (const services::Recipient& recipient : recipients) stored.push_back(services::to_file(recipient));
  co_return co_await map_recipients(std::move(stored));
}

Task<std::optional<Outcome>> Intake::map_recipients(std::vector<queue::Recipient> recipients) {
  Mapping mapping = option(sc::kMapAddresses) ? Mapping::on : Mapping::off;
  for (const queue::Recipient& recipient : recipients) {
    if (first_recipient_.empty()) first_recipient_ = recipient.address;
    auto question = [this, &recipient, mapping] {
      return map_recipient(*s_.router, recipient, mapping, s_.params->enable_original_recipient);
    };
    auto mapped = co_await table::settle(question);
    if (!mapped) {
      log::warning("{}: recipient {}: {}", queue_id(), recipient.address, mapped.error().what);
      if (mapped.error().is_permanent()) co_return rejected(550, "5.4.6", "Error: " + mapped.error().what);
      co_return Outcome{sc::Verdict::deferred, 451, "4.3.0", "Error: queue file write error"};
    }
    for (queue::Recipient& one : *mapped) {
      if (!duplicates_.is_new(one)) continue;
      if (auto added = writer_->add_recipient(one); !added) co_return deferred(added.error());
    }
  }
  co_return std::nullopt;
}

CheckContext Intake::check_context() const { return {queue_id(), &writer_->envelope(), first_recipient_}; }

void Intake::put(std::string_view bytes) {
  if (failure_) return;
  if (!eight_bit_ && !is_ascii(bytes)) eight_bit_ = true;
  if (auto written = writer_->append(bytes); !written) fail(written.error());
}

/// Acts on a header as the checks want; a header that stays goes on to the section, or into the body part it stands in.
void Intake::apply_check(const Result<Effect>& effect, const message::Header& header, bool primary) {
  if (!effect) return fail(effect.error());
  if (effect->skip_rest) skip_checks_ = true;
  auto keep = [&](std::string_view raw, bool verbatim) {
    if (!primary || section_done_) {
      put(raw);
      put("\r\n");
    } else if (verbatim) {
      section_->add_verbatim(raw);
    } else if (auto added = section_->add(header); !added) {
      fail(added.error());
    }
  };
  switch (effect->kind) {
    case Effect::Kind::keep: keep(header.raw, false); break;
    case Effect::Kind::drop: break;
    case Effect::Kind::replace: keep(effect->text, true); break;
    case Effect::Kind::prepend:
      keep(effect->text, true);
      keep(header.raw, false);
      break;
  }
}

void Intake::on_header(message::HeaderClass header_class, const message::Header& header) {
  if (failure_) return;
  if (section_ && !section_done_ && section_->size() > kHeaderSectionLimit) {
    return fail(rejected(552, "5.3.4", "Error: message header size exceeds limit"));
  }
  Result<Effect> effect;
  if (option(sc::kCheckContent) && !skip_checks_ && s_.checks->checks_headers()) {
    effect = s_.checks->check_header(header_class, header.raw, check_context(), wishes_);
  }
  apply_check(effect, header, !section_done_);
}

void Intake::end_primary_headers() {
  section_done_ = true;
  put(section_->finish());
  put("\r\n");  // also for a body that began without an empty line
}

void Intake::on_headers_end(message::HeaderClass, bool separator) {
  if (!section_done_) return end_primary_headers();
  if (separator) put("\r\n");
}

void Intake::on_body_line(std::string_view line, bool complete) {
  if (failure_) return;
  bool check = s_.checks->has_body_checks() && option(sc::kCheckContent) && !skip_checks_ &&
               checked_body_ < static_cast<size_t>(s_.params->body_checks_size_limit);
  std::string_view text = line;
  std::string replacement;
  if (check) {
    checked_body_ += line.size() + 2;
    Result<Effect> effect = s_.checks->check_body_line(line, check_context(), wishes_);
    if (!effect) return fail(effect.error());
    if (effect->skip_rest) skip_checks_ = true;
    if (effect->kind == Effect::Kind::drop) return;
    if (effect->kind == Effect::Kind::prepend) {
      put(effect->text);
      put("\r\n");
    }
    if (effect->kind == Effect::Kind::replace) {
      replacement = effect->text;
      text = replacement;
    }
  }
  put(text);
  if (complete) put("\r\n");
}

void Intake::feed(std::string_view bytes) {
  if (read_body_) return mime_.feed(bytes);
  if (headers_only_.done()) return put(bytes);
  size_t used = headers_only_.feed(bytes, [this](const message::Header& header) {
    bool mime = istarts_with(header.name, "Content-") || iequals(header.name, "MIME-Version");
    on_header(mime ? message::HeaderClass::mime : message::HeaderClass::primary, header);
  });
  if (!headers_only_.done()) return;
  end_primary_headers();
  put(headers_only_.body_start());
  put(bytes.substr(used));
}

Task<std::optional<Outcome>> Intake::add_content(std::string bytes) {
  content_size_ += bytes.size();
  auto limit = static_cast<size_t>(s_.params->message_size_limit);
  if (option(sc::kLimitSize) && limit > 0 && content_size_ > limit) {
    fail(rejected(552, "5.3.4", "Error: message file too big"));
  }
  if (!failure_) feed(bytes);
  co_return failure_;
}

/// always_bcc, sender_bcc_maps, and the BCC actions of access tables and checks.
Task<std::optional<Outcome>> Intake::add_copies() {
  std::vector<std::string> copies = submission_.bcc;
  copies.insert(copies.end(), wishes_.bcc.begin(), wishes_.bcc.end());
  if (option(sc::kMapAddresses)) {
    if (!s_.router->always_bcc().empty()) copies.push_back(s_.router->always_bcc());
    auto question = [this] { return s_.router->sender_bcc(submission_.envelope.sender); };
    auto found = co_await table::settle(question);
    if (!found) co_return deferred(found.error());
    copies.insert(copies.end(), found->begin(), found->end());
  }
  std::vector<queue::Recipient> recipients;
  for (std::string& copy : copies) recipients.push_back({std::move(copy), {}, {}, queue::notify::kNever});
  co_return co_await map_recipients(std::move(recipients));
}

/// What the checks want of the message; an Outcome ends it here.
std::optional<Outcome> Intake::carry_out_wishes() {
  if (section_->hops() > s_.params->hopcount_limit && !option(sc::kBounce)) {
    return rejected(554, "5.4.6", "Error: too many hops");
  }
  if (wishes_.reject) return rejected(550, wishes_.reject_dsn, wishes_.reject_text);
  if (wishes_.discard || option(sc::kDiscard)) return accepted();
  if (!wishes_.filter.empty()) writer_->envelope().content_filter = wishes_.filter;
  if (!wishes_.redirect.empty()) writer_->envelope().redirect = wishes_.redirect;
  held_ = wishes_.hold || option(sc::kHold);
  if (eight_bit_) writer_->envelope().flags |= queue::flag::kEightBit;
  return {};
}

void Intake::log_message_id() const {
  if (!section_->resent_message_id().empty()) log::info("{}: resent-message-id={}", queue_id(), section_->resent_message_id());
  if (section_->resent_message_id().empty() || !section_->message_id().empty()) {
    log::info("{}: message-id={}", queue_id(), section_->message_id().empty() ? "<>" : section_->message_id());
  }
}

Task<Outcome> Intake::finish() {
  if (read_body_) {
    mime_.finish();
  } else if (!headers_only_.done()) {
    headers_only_.finish([this](const message::Header& header) { on_header(message::HeaderClass::primary, header); });
    if (!headers_only_.body_start().empty()) put(headers_only_.body_start());
  }
  if (!section_done_) end_primary_headers();
  if (failure_) co_return std::move(*failure_);
  log_message_id();
  if (auto ended = carry_out_wishes()) co_return std::move(*ended);
  if (option(sc::kExtractRecipients)) {
    std::vector<queue::Recipient> found;
    for (const std::string& address : section_->recipients()) found.push_back({address, {}, {}, 0});
    auto refused = co_await map_recipients(std::move(found));
    if (refused) co_return std::move(*refused);
  }
  auto refused = co_await add_copies();
  if (refused) co_return std::move(*refused);
  if (failure_) co_return std::move(*failure_);
  if (writer_->recipient_count() == 0) co_return rejected(550, "5.1.0", "Error: no recipients specified");
  co_return co_await commit();
}

Task<Outcome> Intake::commit() {
  auto file = writer_->finish();
  if (!file) {
    log::warning("{}: {}", queue_id(), file.error().what);
    co_return deferred(file.error());
  }
  queue::QueueName where = queue::QueueName::incoming;
  if (held_) {
    where = queue::QueueName::hold;
    if (auto moved = s_.directories->move(queue_id(), queue::QueueName::incoming, where); !moved) {
      co_return deferred(moved.error());
    }
    path_ = s_.directories->path(where, queue_id());
  }
  std::string directory = path_.substr(0, path_.rfind('/'));
  Result<> durable = co_await s_.commits->commit(std::move(*file), std::move(directory));
  if (!durable) {
    log::warning("{}: {}", queue_id(), durable.error().what);
    co_return deferred(durable.error());
  }
  path_.clear();  // the queue's from now on
  co_return accepted();
}

}  // namespace umaya::cleanup
