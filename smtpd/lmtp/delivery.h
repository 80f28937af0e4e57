// NAME    delivery - one message on its way to the delivery agents, and what became of each recipient
//
// SYNOPSIS
//     Delivery delivery(mailboxes, std::move(request), file.fd(), places);
//     delivery.start();
//     for (size_t i = 0; i < places.size(); ++i) {
//       const RecipientResult& result = co_await delivery.result(i);       // in their order, as soon as it is known
//     }
//
// DESCRIPTION
//     Agents get requests as from the queue manager, each with up to kBatch recipients; kAtOnce requests of a message
//     are under way at a time. Recipients with the same address and the same mailbox are delivered to once. A delivery
//     that goes on already is deferred, and one that is known to have been made is not made again (unconfirmed.h).
//     The agents write the status lines; what no agent took gets its line here.
//
// OWNERSHIP
//     What is given is borrowed, the descriptor, too. Destroying the object gives up the requests under way.
//
// ERRORS
//     An agent that is not there or says nothing of a recipient: deferred, 4.3.0.
#pragma once

#include <optional>
#include <vector>

#include "libcommon/event/sync.h"
#include "libcommon/event/task.h"
#include "smtpd/lmtp/mailboxes.h"

namespace umaya::smtpd {

class Delivery {
 public:
  static constexpr size_t kBatch = 50;
  static constexpr size_t kAtOnce = 4;

  /// request: all but transport, nexthop and targets. has_origin: a later try of this message has the same keys.
  Delivery(Mailboxes& mailboxes, services::delivery::Request request, int message, const std::vector<Place>& places);
  ~Delivery();
  Delivery(const Delivery&) = delete;
  Delivery& operator=(const Delivery&) = delete;

  void start();
  /// Whether result() would not wait.
  bool has_result(size_t index) const { return results_[index].has_value(); }
  event::Task<services::delivery::RecipientResult> result(size_t index);
  /// The name of the recipient's delivery; empty when a later try has another one.
  const std::string& key(size_t index) const { return keys_[index]; }

 private:
  using RecipientResult = services::delivery::RecipientResult;
  struct Batch {
    std::string transport;
    std::vector<size_t> places;
  };
  static event::Task<void> work(Delivery* self);
  event::Task<void> run(Batch batch);
  void add(size_t index);
  bool known_before(size_t index);
  bool same_as_before(size_t index);
  void settle(size_t index, RecipientResult result);
  void settle_here(size_t index, services::delivery::Status status, std::string dsn, std::string text);

  Mailboxes& mailboxes_;
  services::delivery::Request request_;
  int message_;
  const std::vector<Place>& places_;
  std::vector<std::string> keys_;
  std::vector<std::optional<RecipientResult>> results_;
  std::vector<std::vector<size_t>> twins_;  ///< those that get the result of another one
  StringMap<size_t> first_of_;              ///< transport and address
  std::vector<Batch> batches_;
  std::set<std::string> begun_;  ///< keys in Unconfirmed
  size_t next_batch_ = 0;
  event::Event changed_;
  event::TaskScope scope_;
};

}  // namespace umaya::smtpd
