#include "local-delivery/local_backend.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libcommon/base/clock.h"
#include "libcommon/base/strings.h"
#include "libcommon/log/log.h"
#include "libcommon/queue/queue_id.h"
#include "libcommon/services/delivery_key.h"
#include "libcommon/table/settle.h"
#include "local-delivery/mailbox_limits.h"

namespace umaya::local_delivery {

using event::Task;
using namespace services::delivery;
using namespace std::chrono_literals;

namespace {

constexpr auto kCleanupLimit = 300s;
constexpr auto kAgentLimit = 3600s;

// The file whose owner's rights count; empty for tables that are no file.
std::string file_of_table(std::string_view spec) {
  if (spec.starts_with("proxy:")) spec.remove_prefix(6);
  size_t colon = spec.find(':');
  if (colon == spec.npos) return "";
  std::string_view type = spec.substr(0, colon);
  std::string path(spec.substr(colon + 1));
  if (path.empty() || path[0] != '/') return "";
  if (table::real_type(type) == "lmdb") return path + ".lmdb";
  return type == "cdb" ? path + ".cdb" : path;
}

// The group that lets a recipient make files in the mail spool.
std::optional<uint32_t> spool_group(const std::string& directory) {
  struct stat status {};
  if (::stat(directory.c_str(), &status) < 0 || !S_ISDIR(status.st_mode)) return std::nullopt;
  bool group_writes = (status.st_mode & S_IWGRP) != 0 && (status.st_mode & S_IWOTH) == 0;
  return group_writes && status.st_gid != 0 ? std::optional<uint32_t>(status.st_gid) : std::nullopt;
}

}  // namespace

void LocalAgent::open_alias_table(const table::Options& options, std::string_view spec) {
  // Alias tables are read here, with this process's own rights, whatever main.cf says (as Postfix does).
  std::string_view own = spec.starts_with("proxy:") ? spec.substr(6) : spec;
  aliases_.push_back({table::Maps::open(options, "alias_maps", own), file_of_table(own)});
}

void LocalAgent::open_tables(const config::Config& config) {
  const LocalParams& params = settings_.params;
  table::Options options = table::options_from(config);
  mailbox_transports_ = table::Maps::open(options, "mailbox_transport_maps", params.mailbox_transport_maps);
  fallback_transports_ = table::Maps::open(options, "fallback_transport_maps", params.fallback_transport_maps);
  quotas_ = table::Maps::open(options, "mailbox_quota_maps", params.quota_maps);
  options.substitution = table::Substitution::refused;
  mailbox_commands_ = table::Maps::open(options, "mailbox_command_maps", params.mailbox_command_maps);
  for (std::string_view spec : split_list(params.alias_maps)) open_alias_table(options, spec);
}

Result<std::unique_ptr<LocalAgent>> LocalAgent::open(const daemon::Process& process) {
  std::unique_ptr<LocalAgent> agent(new LocalAgent);
  LocalSettings& settings = agent->settings_;
  UMAYA_CHECK(config::bind(process.config(), kLocalBindings, settings.params));
  UMAYA_TRY(agent->router_, route::Router::open(process.config()));
  if (process.privileged()) {
    UMAYA_TRY(daemon::Account account, daemon::find_user(settings.params.default_privs));
    if (account.uid == 0) return permanent("default_privs: commands are not run with the rights of root");
    settings.default_identity = {account.uid, account.gid};
    // Only where it is needed: workers that write into homes have no group but the user's own.
    if (settings.params.home_mailbox.empty()) settings.spool_gid = spool_group(settings.params.mail_spool_directory);
  } else {
    settings.default_identity = {::geteuid(), ::getegid()};
  }
  settings.default_user = {
      settings.params.default_privs, settings.default_identity.uid, settings.default_identity.gid, "", "/", "/bin/sh"};
  settings.queue_directory = process.queue_path("");
  agent->service_ = process.service();
  agent->open_tables(process.config());
  agent->status_filter_ = services::delivery::StatusFilter::open(process.config(), "local_delivery_status_filter");
  agent->workers_ = std::make_unique<Workers>(process.queue_path(services::become::kSocket));
  agent->cleanup_ = std::make_unique<ipc::ChannelPool>(process.queue_path(services::cleanup::kSocket));
  agent->agents_.clear();
  if (settings.params.biff) agent->biff_ = Biff::open();
  return agent;
}

ipc::ChannelPool& LocalAgent::agent(const std::string& transport) {
  auto& pool = agents_[transport];
  if (!pool) pool = std::make_unique<ipc::ChannelPool>(settings_.queue_directory + socket_of(transport));
  return *pool;
}

LocalAgent::Turn::~Turn() {
  auto places = agent->places_.find(user);
  places->second.free.release();
  if (--places->second.users == 0) agent->places_.erase(places);
}

Task<std::unique_ptr<LocalAgent::Turn>> LocalAgent::turn_for(std::string recipient) {
  std::string user = split_recipient(recipient, settings_.params.recipient_delimiter, OwnerRule::special).user;
  int limit = settings_.params.concurrency_limit;
  auto [place, fresh] = places_.try_emplace(user, limit > 0 ? static_cast<size_t>(limit) : SIZE_MAX / 2);
  ++place->second.users;
  bool got = co_await place->second.free.acquire();
  (void)got;  // without a time limit there is always one
  co_return std::make_unique<Turn>(this, std::move(user));
}

Task<RecipientResult> LocalAgent::deliver(const Job& job, const Target& target) {
  router_->refresh();
  for (AliasTable& aliases : aliases_) aliases.maps.refresh();
  const Request& request = job.request;
  LocalMessage message{request.envelope, request.content_offset, request.content_size, {}, purpose_of(request.flags)};
  message.delivered_to = delivered_to_headers(job.message.get(), request.content_offset, request.content_size);
  LocalBackend backend(*this, job, target);
  LocalDelivery delivery(settings_, backend, ledger_, message);
  RecipientOutcome outcome = co_await delivery.run(target.recipient);
  for (const PartResult& part : outcome.parts) {
    if (part.logged_elsewhere) continue;
    RecipientResult shown = make_result(target, part.status, part.dsn, part.text);
    status_filter_.apply(shown);
    log_status(job, target, shown, service_, settings_.params.log_decimals);
  }
  const PartResult& total = outcome.result;
  RecipientResult result = make_result(target, total.status, total.dsn, total.text);
  result.action = total.action;
  result.use = total.use;
  if (!total.logged_elsewhere) status_filter_.apply(result);
  co_return result;
}

Task<AliasAnswer> LocalBackend::alias(std::string name) {
  for (LocalAgent::AliasTable& aliases : agent_.aliases_) {
    auto ask = [&] { return aliases.maps.find(name); };
    table::Lookup found = co_await table::settle(ask);
    if (found.missing()) continue;
    AliasAnswer answer{std::move(found), {}};
    struct stat status {};
    if (!aliases.file.empty() && ::stat(aliases.file.c_str(), &status) == 0 && status.st_uid != 0) {
      answer.owner = Identity{status.st_uid, status.st_gid};
    }
    co_return answer;
  }
  co_return AliasAnswer{};
}

table::Maps& LocalAgent::user_maps(UserMap map) {
  switch (map) {
    case UserMap::mailbox_transport:
      return mailbox_transports_;
    case UserMap::mailbox_command:
      return mailbox_commands_;
    case UserMap::quota:
      return quotas_;
    case UserMap::fallback_transport:
      break;
  }
  return fallback_transports_;
}

Task<table::Lookup> LocalBackend::user_map(UserMap map, std::string user) {
  table::Maps& maps = agent_.user_maps(map);
  maps.refresh();
  auto ask = [&] { return maps.find(user); };
  co_return co_await table::settle(ask);
}

Task<Result<Place>> LocalBackend::resolve(std::string address) {
  std::string full = agent_.router_->rewrite(address);
  auto ask = [&] { return agent_.router_->resolve(job_.request.envelope.sender, full); };
  route::Resolution to = co_await table::settle(ask);
  if (to.error) co_return std::unexpected(*to.error);
  if (to.bad_syntax) co_return permanent("bad address syntax: \"" + printable(address, true) + "\"", "5.1.3");
  co_return Place{to.transport == agent_.service_, to.recipient};
}

Task<Result<std::optional<User>>> LocalBackend::find_user(std::string name) {
  co_return co_await agent_.users_.find(std::move(name));
}

Task<services::become::Delivered> LocalBackend::deliver(Identity who, services::become::Deliver job) {
  co_return co_await agent_.workers_->deliver(who, std::move(job), job_.message.get());
}

Task<services::become::FileContent> LocalBackend::read_file(Identity who, services::become::ReadFile job) {
  co_return co_await agent_.workers_->read_file(who, std::move(job));
}

Task<services::become::Ended> LocalBackend::run(Identity who, services::become::Run job) {
  std::unique_ptr<LocalAgent::Turn> turn = co_await agent_.turn_for(target_.recipient.address);
  co_return co_await agent_.workers_->run(who, std::move(job), job_.message.get());
}

services::cleanup::Submission LocalBackend::submission(const Forward& message) const {
  const LocalParams& params = agent_.settings_.params;
  services::cleanup::Submission out;
  out.envelope = job_.request.envelope;
  out.envelope.queue_id = queue::make_id(params.long_queue_ids ? queue::IdForm::long_form : queue::IdForm::short_form);
  out.envelope.sender = message.sender;
  out.envelope.arrival_usec = wall_usec();
  if (message.other_sender) {  // a list: what was asked for is not passed on (RFC 3461 5.2.7.3)
    out.envelope.envid.clear();
    out.envelope.ret = services::Return::not_given;
  }
  out.options = services::cleanup::kMapAddresses;
  const services::Recipient& from = target_.recipient;
  std::string members;
  for (const std::string& address : message.recipients) members += address + "\n";
  services::set_origin(
      out.envelope, services::origin_of(job_.request.envelope, {from.address, from.original, message.sender, members}));
  for (const std::string& address : message.recipients) {
    services::Recipient to;
    to.address = address;
    to.original = from.original.empty() ? from.address : from.original;
    if (!message.other_sender) {
      to.dsn_original = from.dsn_original;
      to.notify = queue::notify::behind_alias(from.notify);
    }
    out.recipients.push_back(std::move(to));
  }
  out.content = fmt::format("Received: by {} ({})\r\n\tid {}; {}\r\n", params.myhostname, params.mail_name,
                            out.envelope.queue_id, rfc5322_date(wall_seconds()));
  if (!message.delivered_to.empty()) out.content += "Delivered-To: " + printable(message.delivered_to, true) + "\r\n";
  out.size_hint = job_.request.content_size + out.content.size();
  return out;
}

// Appends the next block of the old message to what starts the packet.
static Result<> append_content(const Job& job, uint64_t* done, std::string* out) {
  using services::cleanup::kContentBlock;
  size_t room = kContentBlock > out->size() ? kContentBlock - out->size() : 0;
  size_t want = std::min<uint64_t>(room, job.request.content_size - *done);
  size_t start = out->size();
  out->resize(start + want);
  while (want > 0) {
    off_t at = static_cast<off_t>(job.request.content_offset + *done);
    ssize_t n = ::pread(job.message.get(), out->data() + start, want, at);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return n < 0 ? sys_error("read of the message file") : temporary("the message file is too short");
    *done += static_cast<uint64_t>(n);
    start += static_cast<size_t>(n);
    want -= static_cast<size_t>(n);
  }
  return {};
}

// Recipients and content go in packets that fit.
Task<Result<void>> LocalBackend::send_content(ipc::Channel& channel, services::cleanup::Submission head) {
  using namespace services::cleanup;
  constexpr size_t kRecipientBytes = 32 * 1024;
  std::vector<services::Recipient> all = std::move(head.recipients);
  std::string start = std::move(head.content);
  head.content.clear();
  head.recipients.clear();
  head.last_recipients = false;
  head.last_content = false;
  UMAYA_CO_CHECK(co_await channel.send(head, {}, kCleanupLimit));
  for (size_t at = 0; at < all.size();) {
    MoreRecipients more;
    for (size_t bytes = 0; at < all.size() && bytes < kRecipientBytes; ++at) {
      bytes += all[at].address.size() + all[at].original.size() + all[at].dsn_original.size() + 16;
      more.recipients.push_back(std::move(all[at]));
    }
    more.last = at == all.size();
    UMAYA_CO_CHECK(co_await channel.send(more, {}, kCleanupLimit));
  }
  uint64_t done = 0;
  bool last = false;
  while (!last) {
    Content content;
    content.bytes = std::move(start);
    start.clear();
    UMAYA_CO_CHECK(append_content(job_, &done, &content.bytes));
    last = content.last = done == job_.request.content_size;
    UMAYA_CO_CHECK(co_await channel.send(content, {}, kCleanupLimit));
  }
  co_return Result<void>();
}

Task<Result<std::string>> LocalBackend::forward(Forward message) {
  using namespace services::cleanup;
  auto lease = agent_.cleanup_->lease();
  if (!lease) co_return temporary("cleanup service: " + lease.error().what, "4.3.0");
  Submission head = submission(message);
  std::string queue_id = head.envelope.queue_id;
  Result<void> sent = co_await send_content(**lease, std::move(head));
  // An answer may come early, when the message is refused while it is still being sent.
  Duration limit = sent ? Duration(kCleanupLimit) : Duration(1s);
  Result<Outcome> outcome = co_await (*lease)->receive<Outcome>(limit);
  if (!sent || !outcome) lease->drop();
  if (!outcome) {
    const Error& why = sent ? outcome.error() : sent.error();
    co_return temporary("cleanup service: " + why.what, "4.3.0");
  }
  if (outcome->verdict == Verdict::accepted) co_return queue_id;
  std::string why = "new message refused: " + outcome->text;
  if (outcome->verdict == Verdict::rejected) co_return permanent(why, outcome->dsn);
  co_return temporary(why, outcome->dsn);
}

Task<RecipientResult> LocalBackend::pass(std::string transport, std::string nexthop, std::string recipient) {
  if (transport == agent_.service_) {
    co_return make_result(target_, Status::deferred, "4.3.5", "a transport of local names local itself: " + transport);
  }
  auto lease = agent_.agent(transport).lease();
  if (!lease) {
    co_return make_result(target_, Status::deferred, "4.3.0", "mail transport unavailable: " + lease.error().what);
  }
  Request request = job_.request;
  request.transport = transport;
  if (!nexthop.empty()) request.nexthop = nexthop;
  request.targets = {target_};
  request.targets[0].recipient.address = std::move(recipient);
  request.handed_usec = wall_usec();
  std::unique_ptr<LocalAgent::Turn> turn = co_await agent_.turn_for(target_.recipient.address);
  std::vector<int> fds{job_.message.get()};
  Result<Reply> reply = co_await (*lease)->call<Reply>(std::move(request), std::move(fds), kAgentLimit);
  if (!reply) {
    lease->drop();
    co_return make_result(target_, Status::deferred, "4.3.0", transport + ": " + reply.error().what);
  }
  if (reply->results.empty()) {
    std::string why = reply->destination_text.empty() ? transport + " gave no result" : reply->destination_text;
    co_return make_result(target_, Status::deferred, reply->destination_dsn.empty() ? "4.3.0" : reply->destination_dsn,
                          std::move(why));
  }
  co_return std::move(reply->results[0]);
}

}  // namespace umaya::local_delivery
