// NAME    delivery_agent - the agent's end of the delivery service: requests in, results out
//
// SYNOPSIS
//     delivery::Agent agent(process.queue_path("public/qmgr"));
//     co_await agent.serve(std::move(connection), deliver);     // one connection; deliver gives one Reply for a Job
//     agent.close_idle();                                       // the process shall end
//
// DESCRIPTION
//     A connection carries one request at a time, with the message's descriptor. Two promises are kept here, the same
//     for every agent:
//     The status lines are in the log before the queue manager hears of the results, so that "removed" stands below
//     "status=sent". Replies that are ready in one round of the loop share one write to the log.
//     When the queue manager has gone meanwhile, its successor gets the results (qmgr::LateResults), however long it
//     takes to come: the descriptor stays open until then, and with it the lock that keeps the successor from
//     delivering the message again. The same holds for results that the queue manager has not read when it ends.
//
// OWNERSHIP
//     An Agent outlives the tasks that serve() gave. A Job lives until its reply is taken.
//
// LIMITS
//     Late results are offered as long as the process lives; when the successor has refused them kRefusals times, or
//     the process is killed, the message is delivered again: a second copy, never a lost one.
#pragma once

#include <functional>
#include <set>
#include <string>

#include "libcommon/base/clock.h"
#include "libcommon/base/fd.h"
#include "libcommon/base/result.h"
#include "libcommon/event/task.h"
#include "libcommon/services/delivery.h"

namespace umaya::ipc {
class Channel;
}

namespace umaya::services::delivery {

/// One request under way.
struct Job {
  Request request;
  Fd message;
};

/// Delivers to all recipients of a request.
using DeliverAll = std::function<event::Task<Reply>(const Job& job)>;

class Agent {
 public:
  /// qmgr_socket: path of public/qmgr. retry: first pause between two offers of late results; later ones are longer.
  explicit Agent(std::string qmgr_socket, Duration retry = std::chrono::seconds(1))
      : qmgr_socket_(std::move(qmgr_socket)), retry_(retry) {}
  Agent(const Agent&) = delete;
  Agent& operator=(const Agent&) = delete;

  /// Serves one connection until the queue manager closes it, or close_idle() was called.
  event::Task<void> serve(Fd connection, DeliverAll deliver);
  /// Closes connections that carry no request; the others follow after their reply.
  void close_idle();
  /// While this says true, a connection ends with its request, so that others get their turn.
  void set_crowded(std::function<bool()> crowded) { crowded_ = std::move(crowded); }

 private:
  static constexpr int kRefusals = 30;
  /// Results that the queue manager may not have read yet, and their message.
  struct Unread {
    std::string queue_id;  ///< empty: there are none
    Reply reply;
    Fd message;
  };
  event::Task<bool> serve_one(ipc::Channel& channel, Unread& unread, const DeliverAll& deliver);
  event::Task<Result<Request>> next_request(ipc::Channel& channel, Unread& unread, std::vector<Fd>* files);
  event::Task<void> send_late(std::string queue_id, Reply reply);

  std::string qmgr_socket_;
  Duration retry_;
  std::set<int> idle_;
  bool closing_ = false;
  std::function<bool()> crowded_;
};

}  // namespace umaya::services::delivery
