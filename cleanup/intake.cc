#include "cleanup/intake.h"

#include "libcommon/base/strings.h"
#include "libcommon/fs/lock.h"
#include "libcommon/log/log.h"
#include "libcommon/queue/queue_id.h"
#include "libcommon/services/queue_envelope.h"
#include "libcommon/table/settle.h"

namespace umaya::cleanup {

using services::cleanup::Verdict;
namespace sc = services::cleanup;

struct Intake::SenderPlan {
  std::optional<Error> error;
  std::string sender;
  std::vector<std::string> bcc;
};

/// What became of one recipient.
struct Intake::Expansion {
  std::string alias;  ///< before virtual_alias_maps
  std::vector<std::string> addresses;
};

struct Intake::RecipientPlan {
  std::optional<Error> error;
  std::vector<queue::Recipient> recipients;
  std::vector<std::string> bcc;
};

namespace {

constexpr std::string_view kWriteError = "Error: queue file write error";

uint32_t queue_flags(uint32_t options) {
  uint32_t out = 0;
  if ((options & sc::kVerifyOnly) != 0) out |= queue::flag::kVerifyOnly;
  if ((options & sc::kReportDelivery) != 0) out |= queue::flag::kRecordDelivery;
  if ((options & sc::kBounce) != 0) out |= queue::flag::kInternal;
  return out;
}

}  // namespace

Intake::~Intake() {
  if (!file_exists_) return;
  writer_.reset();
  if (auto removed = service_.spool().remove(queue_, id_); !removed) log::warning("{}: {}", id_, removed.error().what);
}

void Intake::fail(uint16_t code, std::string dsn, std::string text) {
  if (failed()) return;
  Outcome out;
  bool permanent = code >= 500 && !service_.params().soft_bounce;
  out.verdict = permanent ? Verdict::rejected : Verdict::deferred;
  out.smtp_code = !permanent && code >= 500 ? static_cast<uint16_t>(code - 100) : code;
  out.dsn = std::move(dsn);
  if (!permanent && out.dsn.starts_with('5')) out.dsn[0] = '4';
  out.text = std::move(text);
  failure_ = std::move(out);
  writer_.reset();
}

void Intake::fail_with(const Error& error, std::string_view what) {
  if (failed()) return;
  log::warning("{}: {}: {}", id_, what, error.what);
  bool full = error.sys_errno == ENOSPC || error.sys_errno == EDQUOT;
  if (full) return fail(452, "4.3.1", "Insufficient system storage");
  fail(451, error.dsn.starts_with("4.") ? error.dsn : "4.3.0", std::string(kWriteError));
}

Intake::SenderPlan Intake::plan_sender() {
  SenderPlan out;
  route::Router& router = service_.router();
  out.sender = router.rewrite(envelope_.sender);
  if (!option(sc::kMapAddresses) || out.sender.empty()) return out;
  auto mapped = router.map_address(out.sender, route::kEnvelopeSender);
  if (mapped) {
    out.sender = std::move(*mapped);
    auto bcc = router.sender_bcc(out.sender);
    if (bcc) out.bcc = std::move(*bcc);
    if (!bcc) out.error = bcc.error();
  } else {
    out.error = mapped.error();
  }
  return out;
}

event::Task<void> Intake::begin(Submission s) {
  id_ = s.envelope.queue_id;
  options_ = s.options;
  discard_ = option(sc::kDiscard);
  if (option(sc::kHold)) queue_ = queue::QueueName::hold;
  origin_ = s.envelope.attribute("log_message_origin");
  if (origin_.empty()) origin_ = "unknown";
  envelope_ = services::to_file(s.envelope);
  envelope_.flags |= queue_flags(options_);
  envelope_.content_filter = std::move(s.content_filter);
  envelope_.redirect = std::move(s.redirect);
  bcc_ = std::move(s.bcc);
  detects_utf8_ = service_.params().smtputf8_enable && envelope_.client_address.empty() && !option(sc::kBounce) &&
                  service_.detects_utf8();
  if (!queue::valid_id(id_)) {
    fail(451, "4.3.0", "Error: internal protocol error");
    co_return;
  }
  // Notices may use the reserve: they are how the queue gets rid of what fills it.
  if (!option(sc::kBounce) && service_.space().is_below(service_.params().queue_minfree)) {
    log::warning("{}: free space in the queue is below queue_minfree", id_);
    fail(452, "4.3.1", "Insufficient system storage");
    co_return;
  }
  auto plan = [this] { return plan_sender(); };
  SenderPlan sender = co_await table::settle(std::move(plan));
  if (sender.error) {
    fail_with(*sender.error, "sender");
    co_return;
  }
  envelope_.sender = std::move(sender.sender);
  for (std::string& bcc : sender.bcc) bcc_.push_back(std::move(bcc));
  open_file();
  bool looks = option(sc::kCheckContent) && service_.checks().looks_into_body();
  const Params& p = service_.params();
  looks = looks || p.strict_8bitmime_body || p.strict_8bitmime || p.strict_mime_encoding_domain;
  message::MimeLimits limits;
  limits.header_size = static_cast<size_t>(p.header_size_limit);
  limits.nesting = p.disable_mime_input_processing ? 0 : static_cast<size_t>(p.mime_nesting_limit);
  limits.boundary = static_cast<size_t>(p.mime_boundary_length_limit);
  scanner_.emplace(looks ? Scanner::Depth::structure : Scanner::Depth::headers_only, limits);
  co_await add_recipients(std::move(s.recipients));
}

void Intake::open_file() {
  auto fd = service_.spool().create(queue_, id_);
  if (!fd) return fail_with(fd.error(), "create queue file");
  file_exists_ = true;
  // While it is locked it has a writer: the queue manager leaves it alone.
  if (auto lock = fs::try_lock(fd->get(), fs::LockKind::flock); !lock) return fail_with(lock.error(), "queue file");
  writer_.emplace(std::move(*fd), envelope_);
}

/// The addresses that a recipient stands for in the end, one at least.
Result<Intake::Expansion> Intake::plan_recipient(const services::Recipient& recipient, RecipientPlan& plan) {
  route::Router& router = service_.router();
  bool is_empty = recipient.address.empty();
  std::string full = router.rewrite(is_empty ? router.params().empty_address_recipient : recipient.address);
  if (!option(sc::kMapAddresses)) return Expansion{{}, {std::move(full)}};
  UMAYA_TRY(full, router.map_address(full, route::kEnvelopeRecipient));
  UMAYA_TRY(auto bcc, router.recipient_bcc(full));
  for (std::string& address : bcc) plan.bcc.push_back(std::move(address));
  UMAYA_TRY(auto addresses, router.expand_virtual(full));
  return Expansion{std::move(full), std::move(addresses)};
}

Intake::RecipientPlan Intake::plan_recipients(const std::vector<services::Recipient>& recipients) {
  RecipientPlan plan;
  for (const services::Recipient& recipient : recipients) {
    if ((recipient.notify & queue::notify::kExpanded) != 0) {  // of a message that is queued anew (postsuper -r)
      plan.recipients.push_back(recipient);
      continue;
    }
    auto expansion = plan_recipient(recipient, plan);
    if (!expansion) {
      plan.error = expansion.error();
      return plan;
    }
    const std::string& original = recipient.original.empty() ? recipient.address : recipient.original;
    auto add = [&](std::string& address, uint8_t notify) {
      queue::Recipient out;
      if (original != address) out.original = original;
      out.address = std::move(address);
      out.dsn_original = recipient.dsn_original;
      out.notify = notify;
      plan.recipients.push_back(std::move(out));
    };
    // Of an alias with one address the sender hears what becomes of that; of a list, that it is one.
    bool told = expansion->addresses.size() > 1 && (recipient.notify & services::kNotifySuccess) != 0;
    if (told && !option(sc::kVerifyOnly)) add(expansion->alias, services::kNotifySuccess | queue::notify::kExpanded);
    uint8_t notify = told ? queue::notify::behind_alias(recipient.notify) : recipient.notify;
    for (std::string& address : expansion->addresses) add(address, notify);
  }
  return plan;
}

bool Intake::seen_before(const queue::Recipient& r) {
  std::string key = table::fold_case(r.address);
  if (service_.params().enable_original_recipient) {
    key += '\n' + table::fold_case(r.original) + '\n' + r.dsn_original + '\n';
    key += static_cast<char>('0' + r.notify);
  }
  if (seen_recipients_.contains(key)) return true;
  if (seen_recipients_.size() < static_cast<size_t>(service_.params().duplicate_filter_limit)) {
    seen_recipients_.insert(std::move(key));
  }
  return false;
}

void Intake::store_one(queue::Recipient recipient) {
  if (failed() || seen_before(recipient)) return;
  last_recipient_ = recipient.address;
  if (auto added = writer_->add_recipient(recipient); !added) fail_with(added.error(), "recipient");
}

void Intake::store(const RecipientPlan& plan) {
  if (plan.error) return fail_with(*plan.error, "recipient");
  for (const queue::Recipient& recipient : plan.recipients) store_one(recipient);
  for (const std::string& address : plan.bcc) bcc_.push_back(address);
}

event::Task<void> Intake::add_recipients(std::vector<services::Recipient> recipients) {
  if (failed() || recipients.empty()) co_return;
  auto plan = [this, &recipients] { return plan_recipients(recipients); };
  RecipientPlan planned = co_await table::settle(std::move(plan));
  store(planned);
}

/// Recipients of headers (sendmail -t), then the copies: of access tables, checks, bcc maps and always_bcc.
event::Task<void> Intake::add_extra_recipients() {
  std::vector<services::Recipient> more;
  if (option(sc::kExtractRecipients)) {
    for (std::string& address : resent_ ? resent_extracted_ : extracted_) {
      services::Recipient recipient;
      recipient.address = std::move(address);
      more.push_back(std::move(recipient));
    }
    co_await add_recipients(std::exchange(more, {}));
  }
  if (option(sc::kMapAddresses) && !service_.router().always_bcc().empty() && !option(sc::kBounce)) {
    bcc_.push_back(service_.router().always_bcc());
  }
  // Copies of copies do not exist: what bcc maps say of a copy's address is dropped.
  for (std::string& address : std::exchange(bcc_, {})) {
    services::Recipient recipient;
    recipient.address = std::move(address);
    recipient.notify = services::kNotifyNever;
    more.push_back(std::move(recipient));
  }
  co_await add_recipients(std::move(more));
}

event::Task<void> Intake::add_content(std::string bytes) {
  if (failed()) co_return;
  content_size_ += bytes.size();
  auto limit = static_cast<uint64_t>(service_.params().message_size_limit);
  if (option(sc::kLimitSize) && limit > 0 && content_size_ > limit) {
    fail(552, "5.3.4", "Error: message file too big");
    co_return;
  }
  if (auto clean = filter_.apply(bytes); !clean) {
    fail(550, clean.error().dsn, clean.error().what);
    co_return;
  }
  scanner_->feed(std::move(bytes));
  co_await work_on_events();
}

event::Task<Outcome> Intake::finish() {
  if (!failed()) {
    scanner_->feed(filter_.finish());
    scanner_->finish();
    co_await work_on_events();
    check_structure();
  }
  if (!failed()) co_await add_extra_recipients();
  if (!failed() && writer_->recipient_count() == 0) fail(550, "5.1.0", "no recipients specified");
  if (failed()) co_return std::move(*failure_);
  Outcome accepted;
  accepted.verdict = Verdict::accepted;
  accepted.smtp_code = 250;
  accepted.dsn = "2.0.0";
  if (discard_) co_return accepted;  // the destructor removes the file
  if (filter_.has_eight_bit()) envelope_.flags |= queue::flag::kEightBit;
  writer_->envelope() = envelope_;
  auto fd = writer_->finish();
  if (!fd) {
    fail_with(fd.error(), "write queue file");
    co_return std::move(*failure_);
  }
  // Nobody looks through hold/ after a crash for what lacks the mark, so here the mark is flushed with the file.
  if (queue_ == queue::QueueName::hold) (void)queue::mark_complete(fd->get());
  auto safe = co_await service_.committer().commit(std::move(*fd), queue_, id_);
  if (!safe) {
    fail_with(safe.error(), "sync queue file");
    co_return std::move(*failure_);
  }
  file_exists_ = false;
  co_return accepted;
}

}  // namespace umaya::cleanup
