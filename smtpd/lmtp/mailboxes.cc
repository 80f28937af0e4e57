#include "smtpd/lmtp/mailboxes.h"

#include <fcntl.h>
#include <fmt/format.h>

#include "libcommon/log/log.h"
#include "libcommon/message/address.h"
#include "libcommon/table/settle.h"

namespace umaya::smtpd {

using event::Task;
using services::delivery::RecipientResult;
using services::delivery::Request;
using services::delivery::Status;
using namespace std::chrono_literals;

/// An agent answers within the bounded wait for locks, for each batch of a mailbox.
static constexpr Duration kAgentLimit = 1200s;
/// Connections to an agent that are kept open.
static constexpr size_t kKept = 8;

Seat::~Seat() {
  if (!mailboxes_) return;
  auto count = mailboxes_->users_.find(user_);
  if (--count->second == 0) mailboxes_->users_.erase(count);
}

Mailboxes::Mailboxes(Parts parts)
    : parts_(std::move(parts)),
      nothing_(::open("/dev/null", O_RDONLY | O_CLOEXEC)),
      agents_(parts_.queue_directory + "/", kKept) {
  memory_.limit = parts_.params.memory_limit;
}

std::optional<Seat> Mailboxes::take_seat(const std::string& user) {
  int64_t& count = users_[user];
  int64_t limit = parts_.params.user_concurrency_limit;
  if (limit > 0 && count >= limit) return {};
  ++count;
  return Seat(*this, user);
}

std::string Mailboxes::user_of(std::string_view address) const {
  auto [local, domain, qualified] = message::split_address(address);
  std::string_view name = local;
  size_t end = local.find_first_of(parts_.recipient_delimiter, 1);
  if (end != std::string_view::npos) name = local.substr(0, end);
  return to_lower(fmt::format("{}@{}", name, domain));
}

/// The reply where a table says that nobody can be reached there: "5.1.6 User has moved to …".
static smtp::Refusal undeliverable(std::string_view address, std::string_view why) {
  size_t space = why.find(' ');
  std::string_view dsn = why.substr(0, space);
  bool coded = space != std::string_view::npos && dsn.size() >= 5 && (dsn[0] == '5' || dsn[0] == '4') && dsn[1] == '.';
  if (!coded) dsn = "5.0.0";
  std::string_view text = coded ? trim(why.substr(space)) : why;
  return {dsn[0] == '4' ? 450 : 550, std::string(dsn),
          fmt::format("<{}>: Recipient address rejected: {}", address, text)};
}

Task<std::expected<Place, smtp::Refusal>> Mailboxes::find(std::string sender, std::string address) {
  AddressPolicy& addresses = parts_.addresses;
  auto question = [&addresses, &sender, &address] { return addresses.resolve(sender, address); };
  Target target = co_await table::settle(question);
  if (target.failure) {
    log::warning("{}: {}", printable(address, true), target.failure->what);
    co_return std::unexpected(smtp::Refusal{451, "4.3.0", fmt::format("<{}>: Temporary lookup failure", address)});
  }
  bool local = target.domain_class == DomainClass::local;
  if (target.malformed) co_return std::unexpected(smtp::Refusal{501, "5.1.3", "Bad recipient address syntax"});
  if ((!local && target.domain_class != DomainClass::virtual_mailbox) || target.routed) {
    std::string text = fmt::format("<{}>: Recipient address rejected: no mailboxes of that domain here", address);
    co_return std::unexpected(smtp::Refusal{550, "5.1.2", std::move(text)});
  }
  bool said_no = target.transport == "error" || target.transport == "retry";
  if (said_no) co_return std::unexpected(undeliverable(address, target.nexthop));
  Place place;
  place.transport = local ? parts_.params.local_transport : parts_.params.virtual_transport;
  place.user = user_of(target.address);
  place.recipient.address = std::move(target.address);
  if (place.recipient.address != address) place.recipient.original = std::move(address);
  co_return place;
}

Task<Result<Mailboxes::Reply>> Mailboxes::call(Request request, int message, event::Semaphore* places) {
  struct Turn {
    event::Semaphore* places;
    ~Turn() { places->release(); }
  };
  bool got = co_await places->acquire(kAgentLimit);
  if (!got) co_return temporary("too many deliveries wait");
  Turn turn{places};
  co_return co_await agents_.call(std::move(request), message, kAgentLimit);
}

Task<Result<Mailboxes::Reply>> Mailboxes::deliver(Request request, int message) {
  co_return co_await call(std::move(request), message, &deliveries_);
}

Task<std::optional<smtp::Refusal>> Mailboxes::ask(services::Envelope envelope, Place place, uint64_t size) {
  std::string address = place.recipient.original.empty() ? place.recipient.address : place.recipient.original;
  Request request;
  request.transport = place.transport;
  request.flags = services::delivery::kVerifyOnly | services::delivery::kNotLogged;
  request.envelope = std::move(envelope);
  request.content_size = size;
  request.nexthop = message::split_address(place.recipient.address).domain;
  request.targets.push_back({0, std::move(place.recipient)});
  Result<Reply> reply = co_await call(std::move(request), nothing_.get(), &questions_);
  RecipientResult result;
  result.dsn = "4.3.0";
  result.text = "mail transport unavailable";
  if (!reply) log::warning("{}: {}", services::delivery::socket_of(place.transport), reply.error().what);
  if (reply && !reply->results.empty()) result = std::move(reply->results[0]);
  if (result.status == Status::sent) co_return std::nullopt;
  co_return reply_for(result, address);
}

/// The code that fits to a result that is no success.
static int code_for(Status status, std::string_view dsn) {
  if (status == Status::deferred) return dsn == "4.2.2" || dsn == "4.3.1" ? 452 : 451;
  return dsn == "5.2.2" || dsn == "5.3.4" ? 552 : dsn == "5.4.6" ? 554 : 550;
}

smtp::Refusal Mailboxes::reply_for(const RecipientResult& result, std::string_view address) const {
  smtp::Refusal reply;
  const char digit = result.status == Status::sent ? '2' : result.status == Status::bounced ? '5' : '4';
  reply.dsn = result.dsn.starts_with(digit) ? result.dsn : std::string(1, digit) + (digit == '2' ? ".0.0" : ".3.0");
  reply.code = digit == '2' ? 250 : code_for(result.status, reply.dsn);
  if (parts_.soft_bounce && reply.code >= 500) {
    reply.code = 450;
    reply.dsn[0] = '4';
  }
  reply.text = fmt::format("<{}> {}", address, printable(result.text, true));
  return reply;
}

}  // namespace umaya::smtpd
