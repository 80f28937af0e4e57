// quota: what mailboxes hold and may hold, as the delivery agents know it; or counted anew.
#include <algorithm>
#include <cstdio>

#include "commands/umaya/commands.h"
#include "libcommon/base/strings.h"
#include "libcommon/config/master_cf.h"
#include "libcommon/event/loop.h"
#include "libcommon/ipc/channel.h"
#include "libcommon/log/log.h"
#include "libcommon/route/router.h"
#include "libcommon/services/delivery.h"
#include "libcommon/table/settle.h"

namespace umaya::commands {

namespace {

using namespace std::chrono_literals;
using event::Task;
namespace delivery = services::delivery;

constexpr int kTemporary = 75;  // EX_TEMPFAIL
constexpr Duration kLimit = 600s;
constexpr uint32_t kAsk = delivery::kVerifyOnly | delivery::kNotLogged;

/// Where mail for an address is put away in the end.
Result<route::Resolution> find_place(route::Router& router, const std::string& address) {
  UMAYA_TRY(auto expanded, router.expand_virtual(router.rewrite(address)));
  if (expanded.size() != 1) return permanent(address + ": an alias of several addresses");
  route::Resolution to = router.resolve("", expanded.front());
  if (to.error) return std::unexpected(*to.error);
  if (to.bad_syntax) return permanent(address + ": not an address");
  if (to.transport == "error" || to.transport == "retry") return permanent(address + ": " + to.nexthop);
  return to;
}

Task<Result<delivery::RecipientResult>> ask(ipc::Channel* channel, const route::Resolution* to, uint32_t flags) {
  delivery::Request request;
  request.transport = to->transport;
  request.nexthop = to->nexthop;
  request.flags = flags;
  delivery::Target target;
  target.recipient.address = to->recipient;
  request.targets.push_back(std::move(target));
  UMAYA_CO_TRY(auto reply, co_await channel->call<delivery::Reply>(std::move(request), {}, kLimit));
  if (reply.results.size() != 1) co_return temporary("no answer about " + to->recipient);
  co_return std::move(reply.results[0]);
}

class QuotaCommand {
 public:
  QuotaCommand(const config::Config& config, route::Router& router, bool recount)
      : queue_(config.get("queue_directory") + "/"), router_(router), recount_(recount) {
    auto master = config::MasterCf::load(config);
    if (master) services_ = std::move(master->services);
  }
  Result<void> show(const std::string& address);

 private:
  Result<delivery::RecipientResult> look_at(const route::Resolution& to);
  bool has_mailboxes(const std::string& transport) const;

  std::string queue_;
  route::Router& router_;
  bool recount_;
  std::vector<config::MasterService> services_;
};

bool QuotaCommand::has_mailboxes(const std::string& transport) const {
  return std::any_of(services_.begin(), services_.end(), [&](const config::MasterService& service) {
    return service.name == transport && service.type == config::ServiceType::unix_stream &&
           (service.command == "local" || service.command == "virtual");
  });
}

Result<delivery::RecipientResult> QuotaCommand::look_at(const route::Resolution& to) {
  std::string path = queue_ + delivery::socket_of(to.transport);
  auto channel = ipc::Channel::connect(path);
  if (!channel) return temporary(path + ": " + channel.error().what + "; is the mail system started?");
  uint32_t counted = kAsk | delivery::kCountMailbox;
  UMAYA_TRY(auto result, event::run_until_done(ask(channel->get(), &to, recount_ ? counted : kAsk)));
  if (result.use || result.status != delivery::Status::sent || recount_) return result;
  return event::run_until_done(ask(channel->get(), &to, counted));  // no limit: nothing keeps the sums
}

std::string limit_text(uint64_t limit) {
  return limit == 0 ? "-" : std::to_string(limit);
}

void print_use(const std::string& address, const delivery::MailboxUse& use) {
  std::string percent = "-";
  if (use.most_bytes > 0) {
    auto share = static_cast<double>(use.bytes) * 100 / static_cast<double>(use.most_bytes);
    percent = std::to_string(static_cast<uint64_t>(std::min(share, 1e9))) + "%";
  }
  bool one_file = use.bytes > 0 && use.messages == 0;
  std::string messages = one_file ? "-" : std::to_string(use.messages);
  std::printf("%-32s %14llu %14s %5s %8s %8s\n", printable(address, true).c_str(),
              static_cast<unsigned long long>(use.bytes), limit_text(use.most_bytes).c_str(), percent.c_str(),
              messages.c_str(), limit_text(use.most_messages).c_str());
}

Result<void> QuotaCommand::show(const std::string& address) {
  auto question = [&] { return find_place(router_, address); };
  UMAYA_TRY(route::Resolution to, event::run_until_done(table::settle(question)));
  if (!has_mailboxes(to.transport)) {
    return permanent(to.recipient + ": goes to " + to.transport + (to.nexthop.empty() ? "" : ":" + to.nexthop) +
                     ", which has no mailboxes that can be counted");
  }
  UMAYA_TRY(auto result, look_at(to));
  if (result.use) {
    print_use(to.recipient, *result.use);
    return {};
  }
  std::string why = to.recipient + ": " + result.text;
  if (result.status == delivery::Status::deferred) return temporary(why);
  return permanent(why);  // bounced; or sent, but not into one mailbox
}

}  // namespace

int quota_command(const Invocation& invocation, const std::vector<std::string>& arguments) {
  bool right = arguments.size() >= 2 && (arguments[0] == "get" || arguments[0] == "recalc");
  if (!right) {
    std::fputs("usage: umaya quota get USER|ADDRESS …\n       umaya quota recalc USER|ADDRESS …\n", stderr);
    return 1;
  }
  config::Config config = open_instance(invocation);
  auto router = route::Router::open(config);
  if (!router) log::fatal("{}", router.error().what);
  QuotaCommand command(config, **router, arguments[0] == "recalc");
  int status = 0;
  for (size_t i = 1; i < arguments.size(); ++i) {
    auto shown = command.show(arguments[i]);
    if (shown) continue;
    log::error("{}", shown.error().what);
    status = std::max(status, shown.error().is_permanent() ? 1 : kTemporary);
  }
  return status;
}

}  // namespace umaya::commands
