#include "smtpd/agent_room.h"

#include "libcommon/config/master_cf.h"
#include "libcommon/log/log.h"

namespace umaya::smtpd {

using event::Task;
using services::delivery::RecipientResult;
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
    : client_(std::move(path), kKept), limit_(limit) {
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

void AgentRoom::complain(const std::string& transport, std::string_view why) {
  TimePoint now = monotonic_now();
  if (now < next_complaint_) return;
  next_complaint_ = now + 60s;
  log::warning("{}: {}; recipients are accepted without knowing how full their mailboxes are",
               services::delivery::socket_of(transport), why);
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
  auto reply = co_await client_.call(std::move(request), services::DeliveryClient::kNoMessage, limit_);
  if (!reply || reply->results.size() != 1 || reply->results[0].id != id) {
    complain(question.transport, reply ? "no answer about the recipient" : reply.error().what);
    co_return RoomAnswer{};
  }
  RoomAnswer answer = answer_of(reply->results[0]);
  if (answer.room == Room::unknown && reply->results[0].dsn != "5.1.1") complain(question.transport, answer.text);
  co_return answer;
}

}  // namespace umaya::smtpd
