#include "submission/pickup.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>

#include "libcommon/base/clock.h"
#include "libcommon/base/strings.h"
#include "libcommon/fs/directory.h"
#include "libcommon/fs/file.h"
#include "libcommon/fs/lock.h"
#include "libcommon/log/log.h"
#include "libcommon/message/received.h"
#include "libcommon/services/bounce.h"
#include "libcommon/services/cleanup_client.h"
#include "libcommon/services/queue_envelope.h"
#include "submission/drop_writer.h"

namespace umaya::submission {

namespace cleanup = services::cleanup;

namespace {

constexpr size_t kAtOnce = 16;
constexpr size_t kRecipientsAtOnce = 1000;
constexpr Duration kLongestPause = std::chrono::seconds(60);

/// The Received: line and then the text of the file.
class FileContent : public cleanup::ContentSource {
 public:
  FileContent(queue::MessageReader& file, std::string first) : file_(file), first_(std::move(first)) {}
  Result<size_t> read(std::span<char> buffer) override {
    if (!first_.empty()) {
      size_t n = std::min(buffer.size(), first_.size());
      first_.copy(buffer.data(), n);
      first_.erase(0, n);
      return n;
    }
    UMAYA_TRY(size_t n, file_.read_content(buffer, offset_));
    offset_ += n;
    return n;
  }

 private:
  queue::MessageReader& file_;
  std::string first_;
  uint64_t offset_ = 0;
};

/// What is not ours to say stays out: only cleanup says of an alias that it was expanded.
Result<std::vector<services::Recipient>> pending_recipients(queue::MessageReader& file, Origin origin) {
  std::vector<services::Recipient> out;
  queue::RecipientCursor cursor;
  for (;;) {
    UMAYA_TRY(auto some, file.read_recipients(cursor, kRecipientsAtOnce));
    if (some.empty()) return out;
    for (auto& r : some) {
      if (r.state != queue::RecipientState::pending) continue;
      if (origin == Origin::posted) r.notify &= static_cast<uint8_t>(~queue::notify::kExpanded);
      out.push_back(r);
    }
  }
}

bool is_marked(const struct stat& status) {
  return (status.st_mode & queue::mode::kReadyBit) != 0;
}

/// Whether all of it was written: it may lack the mark only because its writer is not at its end, or had a crash.
bool is_written(const struct stat& status) {
  return is_marked(status) || (status.st_mode & S_IROTH) != 0;
}

/// Takes the file, for as long as it is open. Otherwise its writer has it, or a pickup that has lost its master.
bool take_lock(const Fd& fd) {
  auto lock = fs::try_lock(fd.get(), fs::LockKind::flock);
  return lock && *lock == fs::LockState::locked;
}

bool lists(const std::vector<std::string>& options, std::string_view name) {
  return std::ranges::find(options, name) != options.end();
}

}  // namespace

/// One file under way.
struct Pickup::Item {
  std::string name;
  int fd = -1;
  Origin origin = Origin::unknown;
  uid_t owner = 0;
  queue::DropOrigin drop;
  queue::MessageReader file;
  cleanup::Submission submission;

  const std::string& id() const { return submission.envelope.queue_id; }
};

Origin origin_of(const queue::Envelope& envelope, uid_t owner, uid_t mail_owner) {
  auto posted_by = envelope.extra.find(kPostedBy);
  if (posted_by != envelope.extra.end()) {
    return posted_by->second == fmt::format("{}", owner) ? Origin::posted : Origin::unknown;
  }
  return owner == mail_owner ? Origin::requeued : Origin::unknown;
}

std::string submission_id(const queue::Envelope& envelope, Origin origin, const queue::DropOrigin& drop,
                          queue::IdForm form) {
  if (origin == Origin::posted) return drop.name;
  return queue::make_id(form, std::max<int64_t>(0, envelope.arrival_usec), drop.inode);
}

services::Envelope to_submission(const queue::Envelope& from, Origin origin, const queue::DropOrigin& drop,
                                 std::string queue_id) {
  queue::Envelope kept;
  if (origin == Origin::requeued) {
    kept = from;
  } else {  // what a user may say about the message
    kept.sender = from.sender;
    kept.arrival_usec = from.arrival_usec;
    kept.dsn_envid = from.dsn_envid;
    kept.dsn_ret = from.dsn_ret;
    kept.encoding = from.encoding;
    kept.verp_delimiters = from.verp_delimiters;
    kept.flags = from.flags & queue::flag::kSmtpUtf8;
    if (auto name = from.extra.find(kFullName); name != from.extra.end()) kept.extra.insert(*name);
  }
  kept.extra[queue::kDropOrigin] = drop.text();
  kept.rewrite_context = "local";
  if (const int64_t now = wall_usec(); kept.arrival_usec <= 0 || kept.arrival_usec > now) kept.arrival_usec = now;
  return services::from_file(std::move(queue_id), kept);
}

uint32_t submission_options(const queue::Envelope& envelope, const std::vector<std::string>& override_options) {
  uint32_t options = cleanup::kMapAddresses | cleanup::kCheckContent | cleanup::kRewriteLocally;
  if (lists(override_options, "no_address_mappings")) options &= ~uint32_t{cleanup::kMapAddresses};
  if (lists(override_options, "no_header_body_checks")) options &= ~uint32_t{cleanup::kCheckContent};
  if (envelope.has(queue::flag::kVerifyOnly)) options |= cleanup::kVerifyOnly;
  if (envelope.has(queue::flag::kRecordDelivery)) options |= cleanup::kReportDelivery;
  if (envelope.has(queue::flag::kHold)) options |= cleanup::kHold;
  return options;
}

Pickup::Pickup(daemon::Process& process, PickupParams params)
    : process_(process),
      params_(std::move(params)),
      spool_(process.queue_path(""), {.names = params_.hash_names, .depth = static_cast<unsigned>(params_.hash_depth)}),
      cleanup_(process.queue_path("public/" + params_.cleanup_service)),
      bounce_(process.queue_path("private/" + params_.bounce_service)),
      slots_(kAtOnce),
      retry_([this] { wake(); }) {}

void Pickup::wake() {
  woken_.set();
}

event::Task<void> Pickup::run() {
  const std::string maildrop = process_.queue_path("maildrop");
  for (;;) {
    co_await woken_.wait();
    woken_.reset();
    auto reader = fs::DirectoryReader::open(maildrop);
    if (!reader) {
      log::warning("{}", reader.error().what);
      try_again();
      continue;
    }
    while (auto entry = reader->next()) {
      std::string name(entry->name);
      if (!queue::valid_id(name) || under_way_.contains(name)) continue;
      if (posted_.contains(name)) {
        remove(name);
        continue;
      }
      co_await slots_.acquire();
      if (process_.stopping()) co_return;
      under_way_.insert(name);
      tasks_.spawn(take(std::move(name)));
    }
    if (!reader->error()) {
      log::warning("{}", reader->error().error().what);
      try_again();
    }
  }
}

void Pickup::set_aside(const std::string& name, std::string_view why) {
  log::warning("maildrop/{}: {}: moved to corrupt/", name, why);
  auto moved = fs::rename(process_.queue_path("maildrop/" + name), process_.queue_path("corrupt/" + name));
  if (!moved) log::warning("{}", moved.error().what);
}

event::Task<void> Pickup::take(std::string name) {
  const daemon::Work work(process_);  // a file that cleanup has taken must not be found again by the next pickup
  struct stat status;
  const std::string path = process_.queue_path("maildrop/" + name);
  if (::lstat(path.c_str(), &status) != 0 || (S_ISREG(status.st_mode) && !is_written(status))) {
    under_way_.erase(name);
    slots_.release();
    co_return;
  }
  auto fd = fs::open_safe(path, O_RDONLY, status);
  if (!fd && fd.error().sys_errno != ENOENT) {
    if (fd.error().is_permanent()) {
      set_aside(name, fd.error().what);
    } else {
      log::warning("{}", fd.error().what);
      try_again();
    }
  }
  if (fd && take_lock(*fd)) {
    co_await take_open(name, std::move(*fd), status);
  } else if (fd && is_marked(status)) {
    try_again();
  }
  under_way_.erase(name);
  slots_.release();
}

queue::IdForm Pickup::id_form() const {
  return params_.long_ids ? queue::IdForm::long_form : queue::IdForm::short_form;
}

Result<Pickup::Item> Pickup::load(const std::string& name, int fd, const struct stat& status) {
  const uid_t owner = status.st_uid;
  UMAYA_TRY(queue::MessageReader file, queue::MessageReader::open(fd));
  const Origin origin = origin_of(file.envelope(), owner, ::geteuid());
  if (origin == Origin::unknown) return permanent(fmt::format("owner {} is not the one who posted it", owner));
  UMAYA_TRY(auto recipients, pending_recipients(file, origin));
  cleanup::Submission submission;
  queue::DropOrigin drop{name, status.st_ino};
  std::string id = submission_id(file.envelope(), origin, drop, id_form());
  submission.envelope = to_submission(file.envelope(), origin, drop, std::move(id));
  submission.options = submission_options(file.envelope(), params_.override_options);
  submission.size_hint = file.info().content_size;
  submission.content_filter = params_.content_filter;
  submission.recipients = std::move(recipients);
  return Item{name, fd, origin, owner, std::move(drop), std::move(file), std::move(submission)};
}

/// was_accepted: the file has the mark, so somebody was told that it is safe.
void Pickup::not_loaded(const std::string& name, const Error& error, bool was_accepted) {
  if (!error.is_permanent()) {
    log::warning("maildrop/{}: {}", name, error.what);
    try_again();
  } else if (was_accepted) {
    set_aside(name, error.what);
  } else {
    log::info("maildrop/{}: removed: never finished and never accepted ({})", name, error.what);
    (void)fs::remove(process_.queue_path("maildrop/" + name));
  }
}

/// Whether the queue does not have it yet. What it has is removed here.
bool Pickup::may_be_posted(Item& item) {
  auto posting = queue::posting_of(spool_, item.id(), item.drop);
  if (!posting) {
    log::warning("maildrop/{}: {}", item.name, posting.error().what);
    try_again();
    return false;
  }
  switch (*posting) {
    case queue::Posting::under_way:
      try_again();
      return false;
    case queue::Posting::done:
      log::info("maildrop/{}: removed: in the queue already as {}", item.name, item.id());
      remove(item.name);
      return false;
    case queue::Posting::other_file:
      item.submission.envelope.queue_id = queue::make_id(id_form());
      return true;
    case queue::Posting::not_begun:
      break;
  }
  struct stat status;  // the queue manager removes what it has, and may have delivered it since we opened the file
  return ::fstat(item.fd, &status) == 0 && status.st_nlink > 0;
}

event::Task<Result<cleanup::Outcome>> Pickup::post(Item& item) {
  message::ReceivedLocal received;
  received.myhostname = params_.myhostname;
  received.mail_name = params_.mail_name;
  received.queue_id = item.id();
  received.uid = item.owner;
  received.seconds = wall_seconds();
  FileContent content(item.file, message::received_local(received));
  auto lease = cleanup_.lease();
  if (!lease) co_return std::unexpected(lease.error());
  cleanup::Submission submission = item.submission;
  auto outcome = co_await cleanup::post(**lease, std::move(submission), content, params_.ipc_timeout);
  if (!outcome || outcome->verdict != cleanup::Verdict::accepted) lease->drop();
  co_return outcome;
}

event::Task<void> Pickup::take_open(std::string name, Fd fd, struct stat status) {
  auto item = load(name, fd.get(), status);
  if (!item) {
    not_loaded(name, item.error(), is_marked(status));
    co_return;
  }
  if (!may_be_posted(*item)) co_return;
  log::info("{}: uid={} from=<{}>{}", item->id(), item->owner, item->submission.envelope.sender,
            item->origin == Origin::requeued ? " orig_id=" + name : "");
  auto outcome = co_await post(*item);
  bool done = outcome && outcome->verdict == cleanup::Verdict::accepted;
  if (!outcome) {
    log::warning("{}: {}", item->id(), outcome.error().what);
  } else if (outcome->verdict == cleanup::Verdict::rejected) {
    done = co_await give_back(*item, outcome->text, outcome->dsn);
  } else if (!done) {
    log::warning("{}: message deferred: {}", item->id(), outcome->text);
  }
  if (!done) {
    try_again();
    co_return;
  }
  pause_ = kFirstPause;
  remove(name);
}

/// What is posted must not be posted again because it cannot be removed.
void Pickup::remove(const std::string& name) {
  auto removed = fs::remove(process_.queue_path("maildrop/" + name));
  if (removed || removed.error().sys_errno == ENOENT) {
    posted_.erase(name);
    return;
  }
  log::warning("{}", removed.error().what);
  posted_.insert(name);
  try_again();
}

/// Soon, and less often the longer it goes on.
void Pickup::try_again() {
  if (retry_.armed()) return;
  retry_.arm(pause_);
  pause_ = std::min<Duration>(2 * pause_, kLongestPause);
}

event::Task<bool> Pickup::give_back(Item& item, std::string text, std::string dsn) {
  namespace bounce = services::bounce;
  if (item.submission.envelope.sender.empty()) {
    log::warning("{}: message from the null sender rejected and dropped: {}", item.id(), text);
    co_return true;
  }
  bounce::Notify notify;
  notify.notice = bounce::Notice::failure;
  notify.log = bounce::Kind::bounce;
  notify.queue_name = "maildrop";
  notify.envelope = item.submission.envelope;
  notify.content_offset = item.file.info().content_offset;
  notify.content_size = item.file.info().content_size;
  for (const services::Recipient& recipient : item.submission.recipients) {
    bounce::Record record;
    record.recipient = recipient;
    record.result.status = services::delivery::Status::bounced;
    record.result.dsn = dsn.empty() ? "5.0.0" : dsn;
    record.result.text = text;
    notify.records.push_back(std::move(record));
    if (notify.records.size() == 100) break;  // one packet; all fail for the same reason
  }
  auto lease = bounce_.lease();
  if (!lease) co_return false;
  std::vector<int> fds = {item.fd};
  auto done = co_await (*lease)->call<bounce::Done>(std::move(notify), std::move(fds), params_.ipc_timeout);
  if (!done) lease->drop();
  if (!done || !done->ok) log::warning("{}: bounce failed: {}", item.id(), done ? done->text : done.error().what);
  co_return done && done->ok;
}

}  // namespace umaya::submission
