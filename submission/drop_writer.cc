#include "submission/drop_writer.h"

#include <fmt/format.h>
#include <unistd.h>

#include <atomic>

#include "libcommon/base/clock.h"
#include "libcommon/fs/file.h"
#include "libcommon/fs/lock.h"

namespace umaya::submission {
namespace {

constexpr mode_t kWrittenMode = 0644;
constexpr mode_t kCompleteMode = 0744;
constexpr int kCreateTries = 10;
constexpr size_t kPathRoom = 4096;

// Read by a signal handler: written before the flag is set, never while it is set.
char pending_path[kPathRoom];
std::atomic<bool> path_is_pending{false};
static_assert(std::atomic<bool>::is_always_lock_free);

void set_pending(const std::string& path) {
  if (path.size() >= kPathRoom) return;
  path.copy(pending_path, path.size());
  pending_path[path.size()] = '\0';
  path_is_pending.store(true);
}

}  // namespace

const char* DropWriter::current_path() {
  return path_is_pending.load() ? pending_path : nullptr;
}

DropWriter::~DropWriter() {
  if (!complete_) discard();
}

void DropWriter::discard() {
  writer_.reset();
  if (!path_.empty()) (void)fs::remove(path_);
  path_is_pending.store(false);
  path_.clear();
}

Result<Fd> DropWriter::create() {
  for (int i = 0;; ++i) {
    id_ = queue::make_id(rules_.id_form);
    path_ = rules_.maildrop + "/" + id_;
    auto fd = fs::create_exclusive(path_, 0600);
    if (fd) {
      set_pending(path_);
      // While it is locked it has a writer: pickup leaves it alone.
      UMAYA_CHECK(fs::try_lock(fd->get(), fs::LockKind::flock));
      return fd;
    }
    if (fd.error().sys_errno != EEXIST || i == kCreateTries) {
      path_.clear();
      return fd;
    }
  }
}

queue::Envelope to_queue_envelope(const services::postdrop::Start& start, uid_t uid) {
  queue::Envelope e;
  e.sender = start.sender;
  e.arrival_usec = wall_usec();
  e.rewrite_context = "local";
  e.dsn_envid = start.envid;
  e.dsn_ret = start.ret;
  e.verp_delimiters = start.verp_delimiters;
  if (start.body != services::BodyType::not_given) {
    e.encoding = start.body == services::BodyType::eight_bit ? "8bit" : "7bit";
  }
  if (start.smtputf8) e.flags |= queue::flag::kSmtpUtf8;
  if (start.verify_only) e.flags |= queue::flag::kVerifyOnly;
  if (start.report_delivery) e.flags |= queue::flag::kRecordDelivery;
  if (start.deferred_only) e.flags |= queue::flag::kDeferredOnly;
  e.extra[kPostedBy] = fmt::format("{}", uid);
  if (!start.full_name.empty()) e.extra[kFullName] = start.full_name;
  return e;
}

Result<> DropWriter::on_start(services::postdrop::Start start) {
  UMAYA_TRY(Fd fd, create());
  writer_.emplace(std::move(fd), to_queue_envelope(start, ::getuid()));
  return {};
}

Result<> DropWriter::on_recipient(services::Recipient r) {
  if (writer_->recipient_count() >= rules_.recipient_limit) return permanent("too many recipients");
  return writer_->add_recipient({r.address, r.original, r.dsn_original, r.notify});
}

Result<> DropWriter::on_content(std::string_view bytes) {
  if (rules_.size_limit > 0 && writer_->content_size() + bytes.size() > rules_.size_limit) {
    too_large_ = true;
    return permanent(fmt::format("message is larger than message_size_limit ({} bytes)", rules_.size_limit));
  }
  return writer_->append(bytes);
}

Result<> DropWriter::finish() {
  if (!writer_) return permanent("submission stream: no message");
  if (writer_->recipient_count() == 0) return permanent("no recipients specified");
  UMAYA_TRY(Fd fd, writer_->finish());
  UMAYA_CHECK(fs::set_mode(fd.get(), kWrittenMode));
  UMAYA_CHECK(fs::sync(fd.get()));
  UMAYA_CHECK(fs::sync_directory(rules_.maildrop));
  UMAYA_CHECK(fs::set_mode(fd.get(), kCompleteMode));
  path_is_pending.store(false);
  complete_ = true;
  return {};
}

}  // namespace umaya::submission
