// NAME    mailboxes - where a recipient's mailbox is, whether it takes mail, and the way into it
//
// SYNOPSIS
//     auto place = co_await mailboxes.find(sender, "user@example.com");     // or the reply to RCPT
//     auto seat = mailboxes.take_seat(place->user);                         // nothing: the user has too many
//     auto refused = co_await mailboxes.ask(envelope, *place, declared_size);
//
// DESCRIPTION
//     Recipients of local domains are lmtpd_local_transport's, those of virtual mailbox domains
//     lmtpd_virtual_transport's; nobody else has a mailbox here, and transport_maps and virtual_alias_maps are not
//     looked at: who speaks LMTP to us has done that. The agents know who exists and who is over quota; they are asked
//     with a request that delivers nothing (delivery::kVerifyOnly).
//
// OWNERSHIP
//     Outlives the sessions, and what Parts refers to outlives it. A Seat is given back by its destruction.
//
// ERRORS
//     What cannot be asked is 451.
//
// LIMITS
//     kQuestions and kDeliveries requests to agents at once; the others wait. lmtpd_user_concurrency_limit.
#pragma once

#include <expected>
#include <optional>
#include <string>

#include "libcommon/base/strings.h"
#include "libcommon/event/sync.h"
#include "libcommon/services/delivery_client.h"
#include "libcommon/smtp/command.h"
#include "smtpd/address_policy.h"
#include "smtpd/lmtp/message_file.h"
#include "smtpd/lmtp/params.h"
#include "smtpd/lmtp/unconfirmed.h"

namespace umaya::smtpd {

class Mailboxes;

/// One of the deliveries that a user may have at once.
class Seat {
 public:
  Seat(Mailboxes& mailboxes, std::string user) : mailboxes_(&mailboxes), user_(std::move(user)) {}
  Seat(Seat&& other) noexcept : mailboxes_(std::exchange(other.mailboxes_, nullptr)), user_(std::move(other.user_)) {}
  Seat& operator=(Seat&&) = delete;
  ~Seat();

 private:
  Mailboxes* mailboxes_;
  std::string user_;
};

/// A recipient's mailbox.
struct Place {
  std::string transport;  ///< service of master.cf
  std::string user;       ///< whose deliveries are counted together: the address without extension, in lower case
  services::Recipient recipient;
};

class Mailboxes {
 public:
  struct Parts {
    AddressPolicy& addresses;
    LmtpParams params;
    std::string queue_directory;  ///< where private/NAME of the agents is
    std::string recipient_delimiter;
    bool soft_bounce = false;
  };
  static constexpr size_t kQuestions = 10;
  static constexpr size_t kDeliveries = 40;

  explicit Mailboxes(Parts parts);
  Mailboxes(const Mailboxes&) = delete;
  Mailboxes& operator=(const Mailboxes&) = delete;

  /// Where mail for the address goes.
  event::Task<std::expected<Place, smtp::Refusal>> find(std::string sender, std::string address);
  /// Whether the mailbox would take mail now; size is what the client announced, 0 when it said nothing.
  event::Task<std::optional<smtp::Refusal>> ask(services::Envelope envelope, Place place, uint64_t size);
  std::optional<Seat> take_seat(const std::string& user);
  /// Sends a request to its transport's agent; once more to another process when that one ended over it.
  event::Task<Result<services::delivery::Reply>> deliver(services::delivery::Request request, int message);

  /// The reply to the client for a result: 250, 4xx or 5xx.
  smtp::Refusal reply_for(const services::delivery::RecipientResult& result, std::string_view address) const;
  const LmtpParams& params() const { return parts_.params; }
  Memory& memory() { return memory_; }
  Unconfirmed& unconfirmed() { return unconfirmed_; }

 private:
  friend class Seat;
  using Reply = services::delivery::Reply;
  event::Task<Result<Reply>> call(services::delivery::Request request, int message, event::Semaphore* places);
  std::string user_of(std::string_view address) const;

  Parts parts_;
  Fd nothing_;  ///< the message of a question
  Memory memory_;
  Unconfirmed unconfirmed_;
  StringMap<int64_t> users_;  ///< deliveries of each
  services::DeliveryClient agents_;
  event::Semaphore questions_{kQuestions};
  event::Semaphore deliveries_{kDeliveries};
};

}  // namespace umaya::smtpd
