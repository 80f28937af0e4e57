// Questions (sendmail -bv, RCPT): what would be done for a recipient, and whether its mailbox has room.
#include "libcommon/base/strings.h"
#include "local-delivery/local_progress.h"
#include "local-delivery/mailbox_limits.h"

namespace umaya::local_delivery {

using event::Task;
using services::become::Purpose;
using services::delivery::Status;

/// Nothing stands between a user and the mailbox but a .forward file.
bool LocalDelivery::has_plain_mailboxes() const {
  return params_.mailbox_transport.empty() && params_.mailbox_transport_maps.empty() &&
         params_.mailbox_command.empty() && params_.mailbox_command_maps.empty();
}

Task<Result<mailbox::QuotaLimits>> LocalDelivery::limits_of(std::string user) {
  if (params_.quota_maps.empty() && params_.quota.empty()) co_return mailbox::QuotaLimits{};
  table::Lookup found;
  if (!params_.quota_maps.empty()) found = co_await outside_.user_map(UserMap::quota, user);
  const LimitNames names{"mailbox_quota_maps", "mailbox_quota"};
  co_return limits_from(found, user, params_.quota, names);
}

/// Something of the plan other than users and mail that is sent on.
static bool has_more(const Plan& plan) {
  return !plan.commands.empty() || !plan.files.empty() || !plan.passes.empty() || !plan.failures.empty() || plan.defer;
}
static bool is_one_user(const Plan& plan) {
  return plan.users.size() == 1 && plan.forwards.empty() && !has_more(plan);
}
static bool is_one_address(const Plan& plan) {
  return plan.users.empty() && plan.forwards.size() == 1 && plan.forwards[0].recipients.size() == 1 && !has_more(plan);
}

/// An alias of one user of ours is followed to the mailbox: nobody is to be told later that it was full (S30).
Task<PartResult> LocalDelivery::verify(Progress* progress) {
  constexpr int kMostAliases = 10;
  PartResult said = describe(*progress);
  if (!has_plain_mailboxes()) co_return said;
  Progress at = *progress;
  for (int aliases = 0; aliases < kMostAliases && is_one_address(at.plan); ++aliases) {
    Result<Place> place = co_await outside_.resolve(at.plan.forwards[0].recipients[0]);
    if (!place || !place->local) co_return said;
    Progress next;
    next.recipient = at.recipient;
    next.recipient.address = place->address;
    next.name = expander_.split(place->address);
    From from;
    from.sender = message_.envelope.sender;
    co_await expander_.add_recipient(&next.plan, place->address, from);
    at = std::move(next);
  }
  if (!is_one_user(at.plan)) co_return said;
  UserAction action = at.plan.users[0];
  PartResult room = co_await ask_mailbox(&at, std::move(action));
  bool itself = progress->plan.users.size() == 1;
  if (itself || room.dsn.ends_with(".2.2")) co_return room;
  said.use = room.use;
  co_return said;
}

Task<PartResult> LocalDelivery::ask_mailbox(Progress* progress, UserAction action) {
  PartResult room = describe(*progress);
  Result<mailbox::QuotaLimits> limits = co_await limits_of(action.user.name);
  if (!limits) co_return deferred(limits.error());
  if (*limits == mailbox::QuotaLimits{} && message_.purpose != Purpose::count) co_return room;
  services::become::Deliver job = make_job(*progress, "file");
  job.purpose = message_.purpose;
  job.home = action.user.home;
  job.require_home = params_.require_home;
  job.mailbox = user_mailbox(action.user, *limits);
  if (action.step == MailboxStep::forward_first && has_home(action.user)) {
    auto files = forward_files(*progress, action.user);
    if (!files) co_return deferred(files.error());
    job.forward = std::move(*files);
  }
  Identity who{action.user.uid, action.user.gid, settings_.spool_gid};
  services::become::Delivered answer = co_await outside_.deliver(who, std::move(job));
  if (answer.outcome == services::become::Outcome::forward) {
    co_return sent("delivers as " + printable(answer.forward_file, true) + " says");
  }
  if (answer.outcome != services::become::Outcome::delivered) room = mailbox_result(answer, "");
  if (room.status == Status::sent || room.dsn.ends_with(".2.2")) room.use = use_of(answer, *limits);
  co_return room;
}

/// What would be done.
PartResult LocalDelivery::describe(const Progress& progress) const {
  const Plan& plan = progress.plan;
  if (plan.defer) return deferred(*plan.defer);
  std::vector<std::string> words;
  for (const UserAction& action : plan.users) {
    bool maildir = user_mailbox(action.user).kind == services::become::MailboxKind::maildir;
    words.push_back(maildir ? "delivers to maildir" : "delivers to mailbox");
  }
  for (const CommandAction& action : plan.commands) words.push_back("delivers to command: " + action.command);
  for (const FileAction& action : plan.files) words.push_back("delivers to file: " + action.path);
  for (const Forward& message : plan.forwards) {
    for (const std::string& address : message.recipients) words.push_back("forwards to " + address);
  }
  for (auto& [service, address] : plan.passes) words.push_back("passes to " + service);
  if (words.empty()) return combine(plan.failures);
  std::string text;
  for (const std::string& word : words) {
    if (text.size() > 500) break;
    text += (text.empty() ? "" : ", ") + word;
  }
  return sent(printable(text, true));
}

}  // namespace umaya::local_delivery
