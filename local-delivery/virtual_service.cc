#include "local-delivery/virtual_service.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>

#include "libcommon/base/strings.h"
#include "libcommon/log/log.h"
#include "libcommon/message/address.h"
#include "libcommon/route/router.h"
#include "libcommon/services/delivery_key.h"
#include "libcommon/services/status_filter.h"
#include "libcommon/table/search.h"
#include "libcommon/table/settle.h"
#include "local-delivery/agent.h"
#include "local-delivery/local_delivery.h"
#include "local-delivery/mailbox_limits.h"
#include "local-delivery/virtual_params.h"

namespace umaya::local_delivery {

using event::Task;
using namespace services::delivery;

namespace {

struct VirtualAgent {
  VirtualParams params;
  std::string service;
  bool privileged = false;
  std::unique_ptr<route::Router> router;  ///< for the rules by which addresses become keys
  table::Maps mailboxes, uids, gids, limits;
  StatusFilter status_filter;
  std::unique_ptr<Workers> workers;
};

std::unique_ptr<VirtualAgent>& agent() {
  static std::unique_ptr<VirtualAgent> instance;
  return instance;
}

std::string without_proxy(const std::string& list) {
  std::string out;
  for (std::string_view spec : split_list(list)) {
    if (spec.starts_with("proxy:")) spec.remove_prefix(6);
    out += (out.empty() ? "" : " ") + std::string(spec);
  }
  return out;
}

/// Says which key was found, too.
Task<table::Found> find_key(table::Maps* maps, std::string address) {
  maps->refresh();
  auto ask = [&] { return table::find_address(*maps, address, agent()->router->address_rules()); };
  table::Found found = co_await table::settle(ask);
  co_return found;
}

Task<table::Lookup> find(table::Maps* maps, std::string address) {
  table::Found found = co_await find_key(maps, std::move(address));
  co_return std::move(found.lookup);
}

Error trouble(std::string what, std::string dsn = "4.3.5") {
  return Error{ErrorKind::temporary, 0, std::move(what), std::move(dsn)};
}

// A number from virtual_uid_maps or virtual_gid_maps.
Task<Result<uint32_t>> find_id(table::Maps* maps, std::string address, uint32_t minimum) {
  table::Lookup found = co_await find(maps, address);
  if (found.is_error()) co_return std::unexpected(trouble(found.error().what, "4.3.0"));
  if (!found.found()) co_return std::unexpected(trouble("recipient " + address + " not found in " + maps->title()));
  auto id = parse_uint(found.value());
  if (!id || *id < minimum || *id >= UINT32_MAX) {
    co_return std::unexpected(
        trouble("recipient " + address + ": bad value " + found.value() + " in " + maps->title()));
  }
  co_return static_cast<uint32_t>(*id);
}

Task<Result<Identity>> find_identity(std::string address) {
  VirtualAgent& a = *agent();
  if (!a.privileged) co_return Identity{::geteuid(), ::getegid()};
  Result<uint32_t> uid = co_await find_id(&a.uids, address, std::max<uint32_t>(1, a.params.minimum_uid));
  if (!uid) co_return std::unexpected(uid.error());
  Result<uint32_t> gid = co_await find_id(&a.gids, address, 1);
  if (!gid) co_return std::unexpected(gid.error());
  co_return Identity{*uid, *gid};
}

services::become::Mailbox mailbox_for(const VirtualParams& params, std::string path) {
  using services::become::MailboxKind;
  services::become::Mailbox mailbox;
  path.erase(0, std::min(path.find_first_not_of('/'), path.size()));
  mailbox.kind = path.ends_with('/') ? MailboxKind::maildir : MailboxKind::mbox;
  mailbox.base = params.base;
  mailbox.path = std::move(path);
  mailbox.size_limit = static_cast<uint64_t>(params.mailbox_limit);
  mailbox.strict_owner = params.strict_ownership;
  mailbox.need_dotlock = false;
  for (const std::string& lock : params.locks) {
    mailbox.locks.push_back(iequals(lock, "dotlock") ? 2 : iequals(lock, "flock") ? 1 : 0);
  }
  mailbox.lock_attempts = params.lock_attempts;
  mailbox.lock_delay_usec = params.lock_delay.count() / 1000;
  mailbox.stale_lock_usec = params.stale_lock_time.count() / 1000;
  return mailbox;
}

Task<Result<mailbox::QuotaLimits>> find_limits(std::string address) {
  VirtualAgent& a = *agent();
  if (a.limits.empty() && a.params.quota.empty()) co_return mailbox::QuotaLimits{};
  table::Found found = co_await find_key(&a.limits, address);
  const LimitNames names{"virtual_mailbox_limit_maps", "virtual_mailbox_quota"};
  auto limits = limits_from(found.lookup, found.key, a.params.quota, names);
  const uint64_t most = static_cast<uint64_t>(a.params.mailbox_limit);
  bool capped = limits && found && !a.params.limit_override && most > 0;
  if (capped && (limits->bytes == 0 || limits->bytes > most)) limits->bytes = most;
  co_return limits;
}

/// An mbox has one size: that of its quota, when it has one, takes the place of virtual_mailbox_limit.
void apply_limits(services::become::Mailbox& mailbox, const mailbox::QuotaLimits& limits) {
  const VirtualParams& params = agent()->params;
  set_limits(mailbox, limits, params.overquota_bounce);
  bool mbox = mailbox.kind == services::become::MailboxKind::mbox;
  if (mbox && limits.bytes > 0 && params.limit_override) mailbox.size_limit = 0;
}

RecipientResult deferred(const Target& target, const Error& why) {
  log::warning("{}", why.what);
  return make_result(target, Status::deferred, why.dsn.starts_with('4') ? why.dsn : "4.3.0", why.what);
}

services::become::Deliver make_job(const Job& job, const services::Recipient& to, std::string path) {
  const VirtualParams& params = agent()->params;
  std::string_view original = to.original.empty() ? to.address : to.original;
  services::become::Deliver deliver;
  deliver.mailbox = mailbox_for(params, std::move(path));
  deliver.sender = message::to_external(job.request.envelope.sender);
  deliver.head =
      agent_head(job.request.envelope, params.original_recipient ? original : std::string_view(), to.address);
  deliver.content_offset = job.request.content_offset;
  deliver.content_size = job.request.content_size;
  deliver.key = services::delivery_key(job.request.envelope, to);
  return deliver;
}

RecipientResult refused(const Target& target, const services::become::Delivered& done) {
  const std::string& message = agent()->params.limit_message;
  Status status = done.outcome == services::become::Outcome::permanent ? Status::bounced : Status::deferred;
  bool full = done.dsn.ends_with(".2.2") && !message.empty();
  return make_result(target, status, done.dsn, full ? message + " (" + done.text + ")" : done.text);
}

/// kVerifyOnly: would it be delivered?
Task<RecipientResult> ask_mailbox(const Job& job, const Target& target, Identity who,
                                  services::become::Deliver deliver) {
  bool maildir = deliver.mailbox.kind == services::become::MailboxKind::maildir;
  RecipientResult room =
      make_result(target, Status::sent, "2.0.0", maildir ? "delivers to maildir" : "delivers to mailbox");
  const mailbox::QuotaLimits limits{deliver.mailbox.quota_bytes, deliver.mailbox.quota_messages};
  deliver.purpose = purpose_of(job.request.flags);
  bool counts = deliver.purpose == services::become::Purpose::count;
  if (limits == mailbox::QuotaLimits{} && !counts) co_return room;
  services::become::Delivered answer = co_await agent()->workers->deliver(who, std::move(deliver), -1);
  if (answer.outcome != services::become::Outcome::delivered) room = refused(target, answer);
  if (room.status == Status::sent || room.dsn.ends_with(".2.2")) room.use = use_of(answer, limits);
  co_return room;
}

Task<RecipientResult> find_and_deliver(const Job& job, const Target& target) {
  VirtualAgent& a = *agent();
  const std::string& address = target.recipient.address;
  auto headers = delivered_to_headers(job.message.get(), job.request.content_offset, job.request.content_size);
  if (names_recipient(headers, address)) {
    co_return make_result(target, Status::bounced, "5.4.6", "mail forwarding loop for " + address);
  }
  table::Lookup mailbox = co_await find(&a.mailboxes, address);
  if (mailbox.is_error()) co_return deferred(target, trouble(mailbox.error().what, "4.3.0"));
  if (!mailbox.found()) {
    co_return make_result(target, Status::bounced, "5.1.1", fmt::format("unknown user: \"{}\"", to_lower(address)));
  }
  if (a.params.base.empty()) co_return deferred(target, trouble("virtual_mailbox_base is empty: set it in main.cf"));
  Result<Identity> who = co_await find_identity(address);
  if (!who) co_return deferred(target, who.error());
  Result<mailbox::QuotaLimits> limits = co_await find_limits(address);
  if (!limits) co_return deferred(target, limits.error());
  services::become::Deliver deliver = make_job(job, target.recipient, mailbox.value());
  apply_limits(deliver.mailbox, *limits);
  if ((job.request.flags & kVerifyOnly) != 0) co_return co_await ask_mailbox(job, target, *who, std::move(deliver));
  bool maildir = deliver.mailbox.kind == services::become::MailboxKind::maildir;
  services::become::Delivered done = co_await a.workers->deliver(*who, std::move(deliver), job.message.get());
  if (done.outcome != services::become::Outcome::delivered) co_return refused(target, done);
  co_return make_result(target, Status::sent, "2.0.0", maildir ? "delivered to maildir" : "delivered to mailbox");
}

Task<RecipientResult> deliver_target(const Job& job, const Target& target) {
  RecipientResult result = co_await find_and_deliver(job, target);
  agent()->status_filter.apply(result);
  log_status(job, target, result, agent()->service, agent()->params.log_decimals);
  co_return result;
}

}  // namespace

Result<void> prepare_virtual(daemon::Process& process) {
  auto a = std::make_unique<VirtualAgent>();
  UMAYA_CHECK(config::bind(process.config(), kVirtualBindings, a->params));
  UMAYA_TRY(a->router, route::Router::open(process.config()));
  table::Options options = table::options_from(process.config());
  options.substitution = table::Substitution::refused;
  a->service = process.service();
  a->privileged = process.privileged();
  a->mailboxes = table::Maps::open(options, "virtual_mailbox_maps", without_proxy(a->params.mailbox_maps));
  a->uids = table::Maps::open(options, "virtual_uid_maps", without_proxy(a->params.uid_maps));
  a->gids = table::Maps::open(options, "virtual_gid_maps", without_proxy(a->params.gid_maps));
  options.substitution = table::Substitution::allowed;
  a->limits = table::Maps::open(options, "virtual_mailbox_limit_maps", a->params.limit_maps);
  a->status_filter = StatusFilter::open(process.config(), "virtual_delivery_status_filter");
  a->workers = std::make_unique<Workers>(process.queue_path(services::become::kSocket));
  agent() = std::move(a);
  return {};
}

Task<Reply> deliver_by_virtual(const Job& job) {
  return deliver_each(job, deliver_target);
}

}  // namespace umaya::local_delivery
