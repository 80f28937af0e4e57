// NAME    workers - the worker processes of private/become, as seen by the delivery agents
//
// SYNOPSIS
//     Workers workers(queue_directory + "/private/become");
//     Delivered done = co_await workers.deliver({uid, gid}, request, message_fd);
//
// DESCRIPTION
//     Connections stay open for some seconds after their last job, so that the next message for the same user finds its
//     worker. Deliveries to one mailbox go to one worker as they come and do not wait for one another: what the worker
//     finds waiting it does together. A user with many mailboxes (one uid for all virtual ones) has up to kLanes
//     workers, each for a share of the mailboxes, so that these do not wait for one another's flushes. A command has a
//     worker for itself as long as it runs.
//     A worker that dies or refuses makes its jobs temporary failures; the next job gets a new one.
//
// OWNERSHIP
//     A message descriptor is sent along and may be closed as soon as the call has started. Tasks must not outlive the
//     Workers.
//
// LIMITS
//     kWorkers mailbox workers, kLanes of them for a user; beyond that, idle ones are closed first, and jobs wait for a
//     place. 50 commands at once.
#pragma once

#include <list>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>

#include "libcommon/event/sync.h"
#include "libcommon/event/task.h"
#include "libcommon/ipc/channel.h"
#include "libcommon/services/become.h"

namespace umaya::local_delivery {

/// Whose rights a job has.
struct Identity {
  uint32_t uid = 0;
  uint32_t gid = 0;
  std::optional<uint32_t> extra_gid{};
  auto operator<=>(const Identity&) const = default;
};

class Workers {
 public:
  static constexpr size_t kWorkers = 100;
  static constexpr size_t kLanes = 8;

  explicit Workers(std::string socket) : socket_(std::move(socket)) {}
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;
  ~Workers();

  event::Task<services::become::Delivered> deliver(Identity who, services::become::Deliver job, int message);
  event::Task<services::become::FileContent> read_file(Identity who, services::become::ReadFile job);
  event::Task<services::become::Ended> run(Identity who, services::become::Run job, int message);
  /// Open connections.
  size_t size() const { return mailboxes_.size() + commands_; }

 private:
  /// Whose rights, and which share of his mailboxes.
  struct Lane {
    Identity who;
    size_t number = 0;
    auto operator<=>(const Lane&) const = default;
  };
  static Lane lane_for(Identity who, const services::become::Mailbox& mailbox);
  struct Waiter {
    event::Event done;
    Result<ipc::Packet> answer = temporary("the worker process ended without an answer", "4.3.0");
  };
  struct Mailbox {
    explicit Mailbox(std::unique_ptr<ipc::Channel> open) : channel(std::move(open)) {}
    std::unique_ptr<ipc::Channel> channel;
    event::Semaphore sending{1};
    // shared_ptr: shared with the asking task; when that is cancelled its answer still comes and must find its place.
    std::list<std::shared_ptr<Waiter>> waiting;  ///< answers come in the order of the jobs
    TimePoint idle_since{};
    bool broken = false;
  };
  event::Task<Result<std::unique_ptr<ipc::Channel>>> open(services::become::Start start);
  event::Task<Result<ipc::Packet>> ask_mailbox(Lane lane, std::string bytes, int message);
  event::Task<std::shared_ptr<Mailbox>> mailbox_for(Lane lane);
  static event::Task<void> read_answers(Workers* self, std::shared_ptr<Mailbox> box);
  static event::Task<void> sweep(Workers* self);
  static void close(Mailbox& box);
  void close_idle(Duration older_than);
  void fail_all(Mailbox& box, const Error& error);

  std::string socket_;
  // shared_ptr: the map, the task that reads answers and every job that sends share a worker; it may leave the map
  // while a job still sends, so none of them is the one owner.
  std::map<Lane, std::shared_ptr<Mailbox>> mailboxes_;
  std::map<Identity, std::vector<std::unique_ptr<ipc::Channel>>> idle_commands_;
  size_t commands_ = 0;
  event::Semaphore command_places_{50};
  event::Semaphore places_{kWorkers};  ///< for mailbox workers
  size_t wanting_ = 0;                 ///< jobs that wait for a place
  uint64_t next_id_ = 1;
  bool sweeping_ = false;
  event::TaskScope scope_;
};

}  // namespace umaya::local_delivery
