#include "local-delivery/workers.h"

#include <sys/socket.h>

#include <algorithm>

namespace umaya::local_delivery {

using namespace services::become;
using namespace std::chrono_literals;

namespace {

constexpr auto kKeepIdle = 5s;
constexpr size_t kIdleCommands = 4;
/// A mailbox worker answers within the bounded wait for locks; one that takes this long is given up.
constexpr auto kMailboxLimit = 600s;
constexpr auto kSendLimit = 60s;
constexpr auto kCommandGrace = 30s;

template <class T>
Result<T> read_answer(Result<ipc::Packet> packet) {
  if (!packet) return std::unexpected(packet.error());
  if (packet->is<Refused>()) {
    auto refused = ipc::decode<Refused>(packet->bytes);
    return temporary(refused ? refused->why : "the worker process refused", "4.3.0");
  }
  return ipc::decode<T>(packet->bytes);
}

}  // namespace

Workers::~Workers() = default;

event::Task<Result<std::unique_ptr<ipc::Channel>>> Workers::open(Start start) {
  auto channel = ipc::Channel::connect(socket_);
  if (!channel) co_return std::unexpected(channel.error());
  Result<void> sent = co_await (*channel)->send(start, {}, kSendLimit);
  if (!sent) co_return std::unexpected(sent.error());
  co_return std::move(*channel);
}

void Workers::fail_all(Mailbox& box, const Error& error) {
  box.broken = true;
  for (const std::shared_ptr<Waiter>& waiter : box.waiting) {
    waiter->answer = std::unexpected(error);
    waiter->done.set();
  }
  box.waiting.clear();
}

event::Task<void> Workers::read_answers(Workers* self, std::shared_ptr<Mailbox> box) {
  while (true) {
    Result<ipc::Packet> packet = co_await box->channel->receive_packet(event::kForever);
    if (!packet || packet->is<Refused>() || box->waiting.empty()) {
      Error why{ErrorKind::temporary, 0, "the worker process ended", "4.3.0"};
      if (packet && packet->is<Refused>()) why.what = read_answer<Refused>(std::move(packet)).error().what;
      self->fail_all(*box, why);
      break;
    }
    std::shared_ptr<Waiter> waiter = box->waiting.front();
    box->waiting.pop_front();
    waiter->answer = std::move(packet);
    waiter->done.set();
    if (!box->waiting.empty()) continue;
    box->idle_since = monotonic_now();
    if (self->wanting_ > 0) close(*box);
  }
  std::erase_if(self->mailboxes_, [&](auto& entry) { return entry.second == box; });
  self->places_.release();
}

// The worker ends when it sees this, and read_answers with it.
void Workers::close(Mailbox& box) {
  if (box.broken) return;
  box.broken = true;
  ::shutdown(box.channel->fd(), SHUT_RDWR);
}

void Workers::close_idle(Duration older_than) {
  TimePoint now = monotonic_now();
  for (auto& [who, box] : mailboxes_) {
    if (box->waiting.empty() && now - box->idle_since >= older_than) close(*box);
  }
  idle_commands_.clear();
}

event::Task<void> Workers::sweep(Workers* self) {
  while (!self->mailboxes_.empty() || !self->idle_commands_.empty()) {
    co_await event::sleep(kKeepIdle);
    self->close_idle(kKeepIdle);
  }
  self->sweeping_ = false;
}

Workers::Lane Workers::lane_for(Identity who, const services::become::Mailbox& mailbox) {
  if (mailbox.kind == MailboxKind::none) return {who, 0};
  return {who, std::hash<std::string>()(mailbox.base + "/" + mailbox.path) % kLanes};
}

event::Task<std::shared_ptr<Workers::Mailbox>> Workers::mailbox_for(Lane lane) {
  auto known = mailboxes_.find(lane);
  if (known != mailboxes_.end() && !known->second->broken) co_return known->second;
  if (!places_.try_acquire()) {
    ++wanting_;
    close_idle(0s);
    bool place = co_await places_.acquire(kMailboxLimit);
    --wanting_;
    if (!place) co_return nullptr;
    known = mailboxes_.find(lane);
    if (known != mailboxes_.end() && !known->second->broken) {
      places_.release();
      co_return known->second;
    }
  }
  auto channel = ipc::Channel::connect(socket_);
  Start start{Role::mailbox, lane.who.uid, lane.who.gid, lane.who.extra_gid};
  if (!channel || !(*channel)->send_now(ipc::encode(start))) {
    places_.release();
    co_return nullptr;
  }
  // shared_ptr: see workers.h
  auto box = std::make_shared<Mailbox>(std::move(*channel));
  box->idle_since = monotonic_now();
  mailboxes_[lane] = box;
  scope_.spawn(read_answers(this, box));
  if (!sweeping_) {
    sweeping_ = true;
    scope_.spawn(sweep(this));
  }
  co_return box;
}

event::Task<Result<ipc::Packet>> Workers::ask_mailbox(Lane lane, std::string bytes, int message) {
  std::shared_ptr<Mailbox> box = co_await mailbox_for(lane);
  if (!box) co_return temporary("no worker process for this user: service become is not there", "4.3.0");
  std::vector<int> fds;
  if (message >= 0) fds.push_back(message);
  bool turn = co_await box->sending.acquire(kSendLimit);
  if (!turn) co_return temporary("the worker process takes no more jobs", "4.3.0");
  struct Turn {
    Mailbox* box;
    ~Turn() { end(); }
    void end() {
      if (box) box->sending.release();
      box = nullptr;
    }
  } sending{box.get()};
  auto waiter = std::make_shared<Waiter>();
  box->waiting.push_back(waiter);
  Result<void> sent = co_await box->channel->send_packet(std::move(bytes), std::move(fds), kSendLimit);
  sending.end();
  if (!sent) fail_all(*box, sent.error());
  bool answered = co_await waiter->done.wait(kMailboxLimit);
  if (!answered) fail_all(*box, Error{ErrorKind::temporary, 0, "the worker process does not answer", "4.3.0"});
  co_return std::move(waiter->answer);
}

event::Task<Delivered> Workers::deliver(Identity who, Deliver job, int message) {
  job.id = next_id_++;
  uint64_t id = job.id;
  Lane lane = lane_for(who, job.mailbox);
  Result<ipc::Packet> packet = co_await ask_mailbox(lane, ipc::encode(job), message);
  Result<Delivered> answer = read_answer<Delivered>(std::move(packet));
  if (answer && answer->id == id) co_return std::move(*answer);
  std::string why = answer ? "the worker process answered another question" : answer.error().what;
  co_return Delivered{id, Outcome::temporary, "4.3.0", why, "", "", ""};
}

event::Task<FileContent> Workers::read_file(Identity who, ReadFile job) {
  job.id = next_id_++;
  uint64_t id = job.id;
  Lane lane{who, 0};
  Result<ipc::Packet> packet = co_await ask_mailbox(lane, ipc::encode(job), -1);
  Result<FileContent> answer = read_answer<FileContent>(std::move(packet));
  if (answer && answer->id == id) co_return std::move(*answer);
  FileContent failed;
  failed.text = answer ? "the worker process answered another question" : answer.error().what;
  co_return failed;
}

event::Task<Ended> Workers::run(Identity who, Run job, int message) {
  job.id = next_id_++;
  uint64_t id = job.id;
  bool place = co_await command_places_.acquire();
  (void)place;
  struct Place {
    Workers& workers;
    explicit Place(Workers& w) : workers(w) { ++workers.commands_; }
    ~Place() {
      --workers.commands_;
      workers.command_places_.release();
    }
  } taken(*this);
  std::unique_ptr<ipc::Channel> channel;
  std::vector<std::unique_ptr<ipc::Channel>>& idle = idle_commands_[who];
  while (!idle.empty() && !channel) {
    channel = std::move(idle.back());
    idle.pop_back();
    if (channel->stale()) channel.reset();
  }
  if (!channel) {
    Start start{Role::command, who.uid, who.gid, who.extra_gid};
    Result<std::unique_ptr<ipc::Channel>> opened = co_await open(start);
    if (!opened) co_return Ended{id, End::not_started, 0, opened.error().what};
    channel = std::move(*opened);
  }
  Duration limit = std::chrono::microseconds(job.time_limit_usec) + kCommandGrace;
  std::vector<int> fds{message};
  Result<void> sent = co_await channel->send_packet(ipc::encode(job), std::move(fds), kSendLimit);
  if (!sent) co_return Ended{id, End::not_started, 0, sent.error().what};
  Result<ipc::Packet> packet = co_await channel->receive_packet(limit);
  Result<Ended> answer = read_answer<Ended>(std::move(packet));
  if (!answer || answer->id != id) {
    co_return Ended{id, End::not_started, 0, answer ? "the worker answered another question" : answer.error().what};
  }
  if (answer->end == End::not_started) {  // perhaps for want of processes: idle workers are not to be what takes them
    idle_commands_[who].clear();
    co_return std::move(*answer);
  }
  if (idle_commands_[who].size() < kIdleCommands) idle_commands_[who].push_back(std::move(channel));
  if (!sweeping_) {
    sweeping_ = true;
    scope_.spawn(sweep(this));
  }
  co_return std::move(*answer);
}

}  // namespace umaya::local_delivery
