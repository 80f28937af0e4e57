#include "local-delivery/local_delivery.h"

#include <fmt/format.h>

#include <algorithm>

#include "libcommon/base/strings.h"
#include "libcommon/log/log.h"
#include "libcommon/mailbox/delivery_file.h"
#include "libcommon/mailbox/mbox_delivery.h"
#include "libcommon/message/address.h"
#include "libcommon/services/delivery_key.h"
#include "local-delivery/agent.h"
#include "local-delivery/command.h"
#include "local-delivery/local_progress.h"
#include "local-delivery/mailbox_limits.h"

namespace umaya::local_delivery {

using event::Task;
using services::delivery::Action;
using services::delivery::Status;

namespace {

bool lists(const std::vector<std::string>& words, std::string_view word) {
  return std::any_of(words.begin(), words.end(), [&](const std::string& w) { return iequals(w, word); });
}

uint8_t lock_number(std::string_view word) {
  if (iequals(word, "dotlock")) return 2;
  return iequals(word, "flock") ? 1 : 0;
}

Identity identity_of(const User& user) {
  return {user.uid, user.gid};
}

}  // namespace

Ledger::Parts Ledger::take(const std::string& key) {
  auto found = recipients_.find(key);
  if (found == recipients_.end()) return {};
  Parts parts = std::move(found->second);
  recipients_.erase(found);
  return parts;
}

void Ledger::remember(const std::string& key, Parts parts) {
  if (parts.empty()) return;
  recipients_[key] = std::move(parts);
  order_.push_back(key);
  while (order_.size() > kRecipients) {
    recipients_.erase(order_.front());
    order_.pop_front();
  }
}

PartResult combine(const std::vector<PartResult>& parts) {
  const PartResult* chosen = nullptr;
  for (const PartResult& part : parts) {
    auto rank = [](Status status) { return status == Status::deferred ? 2 : status == Status::bounced ? 1 : 0; };
    bool wider = chosen && rank(part.status) == rank(chosen->status) && part.action == Action::expanded;
    if (!chosen || rank(part.status) > rank(chosen->status) || wider) chosen = &part;
  }
  return chosen ? *chosen : bounced("5.2.4", "nobody is behind this address: its alias or list is empty");
}

Task<RecipientOutcome> LocalDelivery::run(services::Recipient recipient) {
  Progress progress;
  progress.recipient = std::move(recipient);
  const std::string& address = progress.recipient.address;
  progress.name = expander_.split(address);
  if (names_recipient(message_.delivered_to, address)) {
    PartResult loop = bounced("5.4.6", "mail forwarding loop for " + address);
    co_return RecipientOutcome{loop, {loop}};
  }
  // The same for a later try, also of a message that another host sends again.
  std::string key = services::delivery_key(message_.envelope, progress.recipient);
  progress.done = ledger_.take(key);
  From from;
  from.sender = message_.envelope.sender;
  co_await expander_.add_recipient(&progress.plan, address, from);
  if (message_.purpose != services::become::Purpose::deliver) {
    PartResult result = co_await verify(&progress);
    co_return RecipientOutcome{result, {result}};
  }
  co_await carry_out(&progress);
  PartResult result = combine(progress.parts);
  if (progress.parts.empty()) progress.parts.push_back(result);
  if (result.status == Status::deferred) ledger_.remember(key, std::move(progress.done));
  co_return RecipientOutcome{std::move(result), std::move(progress.parts)};
}

Task<void> LocalDelivery::carry_out(Progress* progress) {
  Plan& plan = progress->plan;
  if (plan.defer) {
    progress->parts.push_back(deferred(*plan.defer));
    co_return;
  }
  co_await do_users(progress);
  if (plan.defer) {
    progress->parts.push_back(deferred(*plan.defer));
    co_return;
  }
  for (CommandAction& action : plan.commands) {
    std::string key = fmt::format("command {} {}", expander_.rights(action.from).uid, action.command);
    if (progress->take_done(key)) continue;
    PartResult result = co_await deliver_command(progress, action.command, action.from);
    progress->finish(key, std::move(result));
  }
  for (FileAction& action : plan.files) {
    std::string key = fmt::format("file {} {}", expander_.rights(action.from).uid, action.path);
    if (progress->take_done(key)) continue;
    PartResult result = co_await deliver_file(progress, action);
    progress->finish(key, std::move(result));
  }
  for (auto& [service, address] : plan.passes) {
    std::string key = "pass " + service + " " + address;
    if (progress->take_done(key)) continue;
    PartResult result = co_await pass(service, address);
    progress->finish(key, std::move(result));
  }
  for (PartResult& failure : plan.failures) progress->parts.push_back(failure);
  for (Forward& message : plan.forwards) {
    std::string key = "forward " + message.sender + " " + message.delivered_to;
    if (progress->deferred || progress->take_done(key)) continue;
    PartResult result = co_await forward(progress, message);
    progress->finish(key, std::move(result));
  }
}

// A .forward file that is found adds to the plan, also to its users.
Task<void> LocalDelivery::do_users(Progress* progress) {
  Plan& plan = progress->plan;
  for (size_t i = 0; i < plan.users.size() && !plan.defer; ++i) {
    UserAction action = plan.users[i];
    std::string key = (action.step == MailboxStep::forward_first ? "user " : "mailbox ") + action.user.name;
    if (progress->take_done(key)) continue;
    size_t users = plan.users.size();
    PartResult result = co_await deliver_user(progress, std::move(action));
    bool forwarded = plan.users.size() > users || result.dsn.empty();
    if (!forwarded) progress->finish(key, std::move(result));
  }
}

// A result without dsn: a .forward file took the place of the mailbox.
Task<PartResult> LocalDelivery::deliver_user(Progress* progress, UserAction action) {
  using services::become::Outcome;
  if (action.step == MailboxStep::mailbox_only) co_return co_await deliver_mailbox(progress, std::move(action));
  auto files = forward_files(*progress, action.user);
  if (!files) co_return deferred(files.error());
  services::become::Deliver job = make_job(*progress, "file");
  job.home = action.user.home;
  job.forward = has_home(action.user) ? std::move(*files) : std::vector<std::string>();
  bool mailbox_now = has_plain_mailboxes() && !progress->plan.seen.contains("mailbox " + action.user.name);
  if (mailbox_now) {
    Result<mailbox::QuotaLimits> limits = co_await limits_of(action.user.name);
    if (!limits) co_return deferred(limits.error());
    job.mailbox = user_mailbox(action.user, *limits);
    job.require_home = params_.require_home;
  }
  std::string text =
      job.mailbox.kind == services::become::MailboxKind::maildir ? "delivered to maildir" : "delivered to mailbox";
  Identity who = identity_of(action.user);
  who.extra_gid = settings_.spool_gid;
  services::become::Delivered done;
  bool asked = mailbox_now || !job.forward.empty();
  if (asked) done = co_await outside_.deliver(who, std::move(job));
  if (!done.warning.empty()) log::warning("{}", done.warning);
  if (done.outcome == Outcome::forward) {
    co_await expander_.add_forward_text(&progress->plan, action.user, done.forward_text, action.from);
    co_return PartResult{};
  }
  if (mailbox_now) note_new_mail(action.user, done);
  if (mailbox_now && done.outcome == Outcome::delivered) progress->plan.seen.insert("mailbox " + action.user.name);
  if (mailbox_now || (asked && done.outcome != Outcome::delivered)) co_return mailbox_result(done, std::move(text));
  if (!progress->plan.seen.insert("mailbox " + action.user.name).second) co_return PartResult{};
  action.step = MailboxStep::mailbox_only;
  co_return co_await deliver_mailbox(progress, std::move(action));
}

Task<PartResult> LocalDelivery::deliver_mailbox(Progress* progress, UserAction action) {
  const std::string& user = action.user.name;
  std::string transport = params_.mailbox_transport;
  if (!params_.mailbox_transport_maps.empty()) {
    table::Lookup mapped = co_await outside_.user_map(UserMap::mailbox_transport, user);
    if (mapped.is_error()) co_return deferred(mapped.error());
    if (mapped.found()) transport = mapped.value();
  }
  if (!transport.empty()) co_return co_await pass(transport, progress->recipient.address);
  std::string command = params_.mailbox_command;
  if (!params_.mailbox_command_maps.empty()) {
    table::Lookup mapped = co_await outside_.user_map(UserMap::mailbox_command, user);
    if (mapped.is_error()) co_return deferred(mapped.error());
    if (mapped.found()) command = mapped.value();
  }
  if (!command.empty()) {
    From from = action.from;
    from.user = action.user;
    co_return co_await deliver_command(progress, std::move(command), std::move(from));
  }
  Result<mailbox::QuotaLimits> limits = co_await limits_of(user);
  if (!limits) co_return deferred(limits.error());
  services::become::Deliver job = make_job(*progress, "file");
  job.home = action.user.home;
  job.require_home = params_.require_home;
  job.mailbox = user_mailbox(action.user, *limits);
  std::string text =
      job.mailbox.kind == services::become::MailboxKind::maildir ? "delivered to maildir" : "delivered to mailbox";
  Identity who = identity_of(action.user);
  who.extra_gid = settings_.spool_gid;
  services::become::Delivered done = co_await outside_.deliver(who, std::move(job));
  note_new_mail(action.user, done);
  co_return mailbox_result(done, std::move(text));
}

/// comsat reads mailboxes of one file only.
void LocalDelivery::note_new_mail(const User& user, const services::become::Delivered& done) {
  const bool mbox = user_mailbox(user).kind == services::become::MailboxKind::mbox;
  if (params_.biff && mbox && done.outcome == services::become::Outcome::delivered)
    outside_.tell_new_mail(user.name, done.begins_at);
}

services::become::Deliver LocalDelivery::make_job(const Progress& progress, std::string_view header_kind) const {
  const services::Recipient& to = progress.recipient;
  std::string_view original = to.original.empty() ? to.address : to.original;
  services::become::Deliver job;
  job.sender = message::to_external(message_.envelope.sender);
  job.head = agent_head(message_.envelope, params_.original_recipient ? original : std::string_view(),
                        lists(params_.delivered_header, header_kind) ? to.address : std::string_view());
  job.content_offset = message_.content_offset;
  job.content_size = message_.content_size;
  job.key = services::delivery_key(message_.envelope, to);
  return job;
}

void LocalDelivery::set_locks(services::become::Mailbox* mailbox) const {
  mailbox->size_limit = static_cast<uint64_t>(params_.mailbox_size_limit);
  mailbox->quota_bounces = params_.overquota_bounce;
  mailbox->strict_owner = params_.strict_ownership;
  for (const std::string& lock : params_.locks) mailbox->locks.push_back(lock_number(lock));
  mailbox->lock_attempts = params_.lock_attempts;
  mailbox->lock_delay_usec = params_.lock_delay.count() / 1000;
  mailbox->stale_lock_usec = params_.stale_lock_time.count() / 1000;
}

services::become::Mailbox LocalDelivery::user_mailbox(const User& user, const mailbox::QuotaLimits& limits) const {
  using services::become::MailboxKind;
  services::become::Mailbox mailbox;
  set_locks(&mailbox);
  if (!params_.home_mailbox.empty()) {
    mailbox.base = user.home;
    mailbox.path = params_.home_mailbox;
    mailbox.need_dotlock = false;
  } else {
    mailbox.base = params_.mail_spool_directory;
    mailbox.path = user.name + (mailbox.base.ends_with('/') ? "/" : "");
  }
  mailbox.kind = mailbox.path.ends_with('/') ? MailboxKind::maildir : MailboxKind::mbox;
  set_limits(mailbox, limits, params_.overquota_bounce);
  // An mbox has one size: that of its quota, when it has one, takes the place of mailbox_size_limit.
  if (mailbox.kind == MailboxKind::mbox && limits.bytes > 0) mailbox.size_limit = 0;
  return mailbox;
}

Names LocalDelivery::names_for(const Progress& progress, const User& user) const {
  const RecipientName& name = progress.name;
  std::string extension = name.extension;
  std::replace(extension.begin(), extension.end(), '/', '_');  // a file name, never a path (L23)
  return {{"user", user.name},
          {"home", user.home},
          {"shell", user.shell},
          {"recipient", progress.recipient.address},
          {"extension", extension},
          {"domain", name.domain},
          {"local", name.local},
          {"mailbox", name.local},
          {"recipient_delimiter", name.delimiter ? std::string(1, name.delimiter) : ""}};
}

Result<std::vector<std::string>> LocalDelivery::forward_files(const Progress& progress, const User& user) const {
  Names names = names_for(progress, user);
  std::vector<std::string> files;
  for (std::string_view part : split_list(params_.forward_path)) {
    UMAYA_TRY(std::string path, expand_names(part, names, params_.forward_filter));
    if (path.starts_with('/') && std::find(files.begin(), files.end(), path) == files.end()) {
      files.push_back(std::move(path));
    }
  }
  return files;
}

std::vector<std::string> LocalDelivery::environment(const Progress& progress, const User& user) const {
  const services::Envelope& envelope = message_.envelope;
  const services::Recipient& to = progress.recipient;
  std::vector<std::string> out{"PATH=/usr/local/bin:/usr/bin:/bin", "HOME=" + user.home, "USER=" + user.name,
                               "LOGNAME=" + user.name, "SHELL=" + (user.shell.empty() ? "/bin/sh" : user.shell)};
  auto add = [&](std::string_view name, std::string_view value) {
    if (!value.empty()) out.push_back(std::string(name) + "=" + filtered(value, params_.command_filter));
  };
  add("EXTENSION", progress.name.extension);
  add("DOMAIN", progress.name.domain);
  add("LOCAL", progress.name.local);
  add("RECIPIENT", to.address);
  add("ORIGINAL_RECIPIENT", to.original.empty() ? to.address : to.original);
  add("SENDER", envelope.sender.empty() ? "MAILER-DAEMON" : envelope.sender);
  add("CLIENT_ADDRESS", envelope.attribute("client_address"));
  add("CLIENT_HELO", envelope.attribute("helo_name"));
  add("CLIENT_HOSTNAME", envelope.attribute("client_name"));
  add("CLIENT_PROTOCOL", envelope.attribute("protocol_name"));
  add("SASL_METHOD", envelope.attribute("sasl_method"));
  add("SASL_SENDER", envelope.attribute("sasl_sender"));
  add("SASL_USERNAME", envelope.attribute("sasl_username"));
  for (const std::string& item : params_.export_environment) {
    size_t equals = item.find('=');
    if (equals != item.npos) {
      out.push_back(item);
    } else if (const char* value = ::getenv(item.c_str())) {
      out.push_back(item + "=" + value);
    }
  }
  return out;
}

Task<PartResult> LocalDelivery::deliver_command(Progress* progress, std::string command, From from) {
  const User& user = from.user && from.user->uid != 0 ? *from.user : settings_.default_user;
  services::become::Run run;
  CommandLine line = command_line(command, params_.local_command_shell);
  run.argv = std::move(line.argv);
  run.shell_command = std::move(line.shell_command);
  run.environment = environment(*progress, user);
  run.directory = settings_.queue_directory;
  if (!params_.command_execution_directory.empty()) {
    auto directory =
        expand_names(params_.command_execution_directory, names_for(*progress, user), params_.directory_filter);
    if (!directory) co_return deferred(directory.error());
    run.directory = *directory;
  }
  services::become::Deliver job = make_job(*progress, "command");
  run.time_limit_usec = params_.command_time_limit.count() / 1000;
  run.head = mailbox::from_line(job.sender, wall_seconds()) + job.head;
  run.content_offset = job.content_offset;
  run.content_size = job.content_size;
  services::become::Ended ended = co_await outside_.run(expander_.rights(from), std::move(run));
  CommandVerdict verdict = command_verdict(ended, command);
  if (verdict.status == Status::sent) co_return sent("delivered to command: " + printable(command, true));
  co_return PartResult{verdict.status, verdict.dsn, verdict.text, {}, false};
}

Task<PartResult> LocalDelivery::deliver_file(Progress* progress, FileAction action) {
  using services::become::MailboxKind;
  if (action.path == "/dev/null") co_return sent("delivered to file: /dev/null");
  services::become::Deliver job = make_job(*progress, "file");
  set_locks(&job.mailbox);
  job.mailbox.kind = action.path.ends_with('/') ? MailboxKind::maildir : MailboxKind::mbox;
  std::string_view path = action.path;
  path = path.substr(0, path.find_last_not_of('/') + 1);
  auto [folder, name] = mailbox::split_path(path);
  if (name.empty()) co_return bounced("5.2.0", "not a file: " + action.path);
  job.mailbox.base = folder.size() > 1 ? folder.substr(0, folder.size() - 1) : folder;
  job.mailbox.path = name;
  job.mailbox.need_dotlock = false;
  job.mailbox.strict_owner = false;
  bool maildir = job.mailbox.kind == MailboxKind::maildir;
  services::become::Delivered done = co_await outside_.deliver(expander_.rights(action.from), std::move(job));
  co_return mailbox_result(done, maildir ? "delivered to maildir" : "delivered to file: " + action.path);
}

Task<PartResult> LocalDelivery::pass(std::string service, std::string recipient) {
  size_t colon = service.find(':');
  std::string transport = service.substr(0, colon);
  std::string nexthop = colon == service.npos ? "" : service.substr(colon + 1);
  services::delivery::RecipientResult result =
      co_await outside_.pass(std::move(transport), std::move(nexthop), std::move(recipient));
  co_return PartResult{result.status, result.dsn, result.text, result.action, true};
}

Task<PartResult> LocalDelivery::forward(Progress* progress, Forward message) {
  if (message.delivered_to.empty()) message.delivered_to = progress->recipient.address;
  if (!lists(params_.delivered_header, "forward")) message.delivered_to.clear();
  Result<std::string> queue_id = co_await outside_.forward(std::move(message));
  if (!queue_id && queue_id.error().is_permanent()) co_return bounced(queue_id.error().dsn, queue_id.error().what);
  if (!queue_id) co_return deferred(queue_id.error());
  co_return sent("forwarded as " + *queue_id, Action::expanded);
}

}  // namespace umaya::local_delivery
