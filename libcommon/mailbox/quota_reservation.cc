#include "libcommon/mailbox/quota_reservation.h"

#include <fcntl.h>
#include <unistd.h>

namespace umaya::mailbox {

Result<QuotaReservation> QuotaReservation::begin(int maildir, const QuotaLimits& limits) {
  QuotaReservation room;
  UMAYA_CHECK(room.open(maildir, limits));
  return room;
}

Result<void> QuotaReservation::open(int maildir, const QuotaLimits& limits) {
  UMAYA_TRY(Fd root, quota_root(maildir));
  const bool limited = limits != QuotaLimits{};
  if (!limited && ::faccessat(root.get(), "maildirsize", F_OK, AT_SYMLINK_NOFOLLOW) != 0) return {};
  UMAYA_TRY(lock_, MaildirSizeLock::take(root.get()));
  if (limited) {
    UMAYA_TRY(size_, MaildirSize::open(root.get(), limits));
  }
  root_ = std::move(root);
  return {};
}

std::optional<Error> QuotaReservation::would_refuse(uint64_t octets) {
  if (!size_) return std::nullopt;
  auto fits = size_->has_room(bytes_ + octets, messages_ + 1);
  if (!fits) return fits.error();
  if (*fits) return std::nullopt;
  QuotaUse used = size_->used();
  return over_quota(size_->limits(), {used.bytes + bytes_, used.messages + messages_});
}

std::optional<Error> QuotaReservation::reserve(uint64_t octets) {
  if (auto error = would_refuse(octets)) return error;
  bytes_ += octets;
  ++messages_;
  return std::nullopt;
}

void QuotaReservation::write() {
  if (!root_ || messages_ == 0) return;
  (void)add_to_maildirsize(root_.get(), static_cast<int64_t>(bytes_), static_cast<int64_t>(messages_));
}

void QuotaReservation::give_back(uint64_t octets) {
  if (root_) (void)add_to_maildirsize(root_.get(), -static_cast<int64_t>(octets), -1);
}

}  // namespace umaya::mailbox
