#include "local-delivery/become/mailbox_room.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <optional>

#include "libcommon/mailbox/delivery_file.h"
#include "libcommon/mailbox/maildirsize.h"

namespace umaya::local_delivery {

using namespace services::become;
using mailbox::Missing;

namespace {

bool is_absent(const Error& error) {
  return error.sys_errno == ENOENT;
}

/// The directory of the path beneath its base; nothing when it is not there.
Result<std::optional<Fd>> open_place(const Mailbox& where, const std::string& path) {
  UMAYA_TRY(Fd base, mailbox::open_base(where.base));
  if (path.empty()) return std::optional(std::move(base));
  auto place = mailbox::open_directory_beneath(base.get(), path, Missing::fail);
  if (place) return std::optional(std::move(*place));
  if (is_absent(place.error())) return std::optional<Fd>();
  return std::unexpected(place.error());
}

Result<> check(const mailbox::QuotaLimits& limits, const mailbox::QuotaUse& used, uint64_t octets) {
  if (mailbox::has_room(limits, used, octets, 1)) return {};
  return std::unexpected(mailbox::over_quota(limits, used));
}

Result<> ask_maildir(const Deliver& request, uint64_t octets, Delivered& answer) {
  UMAYA_TRY(auto place, open_place(request.mailbox, request.mailbox.path));
  if (!place) return check(limits_of(request.mailbox), {}, octets);
  UMAYA_TRY(Fd root, mailbox::quota_root(place->get()));
  UMAYA_TRY(auto lock, mailbox::MaildirSizeLock::take(root.get()));
  UMAYA_TRY(auto size, mailbox::MaildirSize::open(root.get(), limits_of(request.mailbox)));
  if (request.purpose == Purpose::count) UMAYA_CHECK(size.count());
  // A file without limits of ours may state some: they are somebody else's to enforce.
  const bool limited = limits_of(request.mailbox) != mailbox::QuotaLimits{};
  bool fits = true;
  if (limited) {
    UMAYA_TRY(fits, size.has_room(octets, 1));
  }
  answer.used_bytes = size.bytes();
  answer.used_messages = size.messages();
  if (!fits) return std::unexpected(mailbox::over_quota(size.limits(), size.used()));
  return {};
}

Result<> ask_mbox(const Deliver& request, uint64_t octets, Delivered& answer) {
  const Mailbox& where = request.mailbox;
  auto [folder, name] = mailbox::split_path(where.path);
  UMAYA_TRY(auto place, open_place(where, folder));
  struct stat file {};
  if (place && ::fstatat(place->get(), name.c_str(), &file, AT_SYMLINK_NOFOLLOW) != 0) {
    if (errno != ENOENT) return mailbox::delivery_error("mailbox " + name);
    file.st_size = 0;
  }
  answer.used_bytes = static_cast<uint64_t>(file.st_size);
  const mailbox::QuotaUse used{answer.used_bytes, 0};
  UMAYA_CHECK(check({where.quota_bytes, 0}, used, octets));
  const mailbox::QuotaLimits limit{where.size_limit, 0};
  if (!mailbox::has_room(limit, used, octets, 1)) {
    return permanent("the mailbox is full: it would become larger than its size limit", "5.2.2");
  }
  return {};
}

}  // namespace

Result<> ask_room(const Deliver& request, Delivered& answer) {
  const uint64_t octets = std::max<uint64_t>(request.content_size, 1);
  return request.mailbox.kind == MailboxKind::maildir ? ask_maildir(request, octets, answer)
                                                      : ask_mbox(request, octets, answer);
}

}  // namespace umaya::local_delivery
