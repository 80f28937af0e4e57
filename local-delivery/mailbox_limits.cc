#include "local-delivery/mailbox_limits.h"

#include <fmt/format.h>

#include "libcommon/base/strings.h"

namespace umaya::local_delivery {

Result<mailbox::QuotaLimits> limits_from(const table::Lookup& found, std::string_view key, const std::string& otherwise,
                                         const LimitNames& names) {
  if (found.is_error()) return temporary(found.error().what, "4.3.0");
  if (!found.found() && otherwise.empty()) return mailbox::QuotaLimits{};
  auto limits = mailbox::parse_quota_value(found.found() ? found.value() : otherwise);
  if (limits) return limits;
  Error error = limits.error();
  error.what = found.found() ? fmt::format("{}: {}: {}", names.table, printable(key, true), error.what)
                             : fmt::format("{}: {}", names.otherwise, error.what);
  return std::unexpected(std::move(error));
}

void set_limits(services::become::Mailbox& mailbox, const mailbox::QuotaLimits& limits, bool bounces) {
  mailbox.quota_bytes = limits.bytes;
  mailbox.quota_messages = limits.messages;
  mailbox.quota_bounces = bounces;
}

services::become::Purpose purpose_of(uint32_t flags) {
  using services::become::Purpose;
  if ((flags & services::delivery::kVerifyOnly) == 0) return Purpose::deliver;
  return (flags & services::delivery::kCountMailbox) != 0 ? Purpose::count : Purpose::ask;
}

services::delivery::MailboxUse use_of(const services::become::Delivered& answer, const mailbox::QuotaLimits& limits) {
  return {answer.used_bytes, answer.used_messages, limits.bytes, limits.messages};
}

}  // namespace umaya::local_delivery
