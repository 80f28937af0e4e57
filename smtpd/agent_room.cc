#include "smtpd/agent_room.h"

#include "libcommon/config/master_cf.h"
#include "libcommon/log/log.h"

namespace umaya::smtpd {

using event::Task;
using services::delivery::RecipientResult;
using services::delivery::Reply;
using services::delivery::Request;
using namespace std::chrono_literals;

namespace {

constexpr size_t kKept = 4;

/// Over quota is X.2.2; whatever else an agent says is not for now.
RoomAnswer answer_of(const RecipientResult& result) {
  using services::delivery::Status;
  if (result.status == Status::sent) return {Room::enough};
  if (result.status == Status::deferred && result.dsn == "4.2.2") return {Room::full_for_now, result.text};
  if (result.status == Status::bounced && result.dsn == "5.2.2") return {Room::full, result.text};
  return {Room::unknown, result.text};
}

}  // namespace

AgentRoom::AgentRoom(const config::Config& config, std::string path, Duration limit)
    : path_(std::move(path)), limit_(limit) {
  auto master = config::MasterCf::load(config);
  if (!master) return;  // master would not have started us
  for (const config::MasterService& service : master->services) {
    bool agent = service.command == "local" || service.command == "virtual";
    if (agent && service.type == config::ServiceType::unix_stream) agents_.insert(service.name);
  }
}

bool AgentRoom::is_wanted(const config::Config& config) {
  for (const char* name :
       {"mailbox_quota", "mailbox_quota_maps", "virtual_mailbox_quota", "virtual_mailbox_limit_maps"}) {
    if (!config.get(name).empty()) return true;
  }
  return false;
}

ipc::ChannelPool& AgentRoom::pool_of(const std::string& transport) {
  auto& pool = pools_[transport];
  if (!pool) pool = std::make_unique<ipc::ChannelPool>(path_ + services::delivery::socket_of(transport), kKept);
  return *pool;
}

void AgentRoom::complain(const std::string& transport, std::string_view why) {
  TimePoint now = monotonic_now();
  if (now < next_complaint_) return;
  next_complaint_ = now + 60s;
  log::warning("{}: {}; recipients are accepted without knowing how full their mailboxes are",
               services::delivery::socket_of(transport), why);
}

/// A connection that the agent closed while it was idle is replaced once.
Task<Result<Reply>> AgentRoom::converse(ipc::ChannelPool* pool, std::string packet) {
  // A connection on which an answer is still to come serves nobody else.
  struct Conversation {
    ipc::ChannelPool::Lease& lease;
    bool complete = false;
    ~Conversation() {
      if (!complete) lease.drop();
    }
  };
  Result<Reply> reply = temporary("no answer");
  for (int attempt = 0; attempt < 2 && !reply; ++attempt) {
    auto lease = pool->lease();
    if (!lease) co_return std::unexpected(lease.error());
    Conversation conversation{*lease};
    Result<void> sent = co_await (*lease)->send_packet(packet, {}, limit_);
    if (sent) {
      reply = co_await (*lease)->receive<Reply>(limit_);
    } else {
      reply = std::unexpected(sent.error());
    }
    conversation.complete = reply.has_value();
    if (!reply && reply.error().sys_errno == ETIMEDOUT) break;
  }
  co_return reply;
}

Task<RoomAnswer> AgentRoom::ask(RoomQuestion question) {
  struct Turn {
    size_t& asking;
    explicit Turn(size_t& count) : asking(++count) {}
    ~Turn() { --asking; }
  };
  if (!agents_.contains(question.transport) || asking_ >= kMostQuestions) co_return RoomAnswer{};
  Turn turn(asking_);
  const uint32_t id = next_id_++;
  Request request;
  request.transport = question.transport;
  request.nexthop = std::move(question.nexthop);
  request.flags = services::delivery::kVerifyOnly | services::delivery::kNotLogged;
  request.envelope.sender = std::move(question.sender);
  request.content_size = question.size;
  services::delivery::Target target;
  target.id = id;
  target.recipient.address = std::move(question.recipient);
  request.targets.push_back(std::move(target));
  Result<Reply> reply = co_await converse(&pool_of(question.transport), ipc::encode(request));
  if (!reply || reply->results.size() != 1 || reply->results[0].id != id) {
    complain(question.transport, reply ? "no answer about the recipient" : reply.error().what);
    co_return RoomAnswer{};
  }
  RoomAnswer answer = answer_of(reply->results[0]);
  if (answer.room == Room::unknown && reply->results[0].dsn != "5.1.1") complain(question.transport, answer.text);
  co_return answer;
}

}  // namespace umaya::smtpd
