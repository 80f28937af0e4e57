// NAME    local_outside - all that a local delivery asks of the world, so that its decisions can be tested alone
//
// DESCRIPTION
//     The daemon implements it with tables, private/become, cleanup and other delivery agents (local_backend.h); tests
//     implement it with maps in memory.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "libcommon/event/task.h"
#include "libcommon/services/become.h"
#include "libcommon/services/delivery.h"
#include "libcommon/table/table.h"
#include "local-delivery/users.h"
#include "local-delivery/workers.h"

namespace umaya::local_delivery {

/// An alias entry and whose rights its commands and files have.
struct AliasAnswer {
  table::Lookup lookup;
  std::optional<Identity> owner{};  ///< nothing: root's, so default_privs
};

/// Where an address leads.
struct Place {
  bool local = false;   ///< this agent is responsible
  std::string address;  ///< completed and rewritten
};

/// A message that goes back into the queue for other recipients.
struct Forward {
  std::string sender;
  bool other_sender = false;  ///< an owner- alias takes the notices: those of the original sender end here
  std::string delivered_to;   ///< in the Delivered-To header; empty: none (in a plan: the recipient)
  std::vector<std::string> recipients;
};

enum class UserMap : unsigned char { mailbox_transport, mailbox_command, fallback_transport, quota };

class LocalOutside {
 public:
  virtual ~LocalOutside() = default;
  virtual event::Task<AliasAnswer> alias(std::string name) = 0;
  virtual event::Task<table::Lookup> user_map(UserMap map, std::string user) = 0;
  virtual event::Task<Result<Place>> resolve(std::string address) = 0;
  virtual event::Task<Result<std::optional<User>>> find_user(std::string name) = 0;
  virtual event::Task<services::become::Delivered> deliver(Identity who, services::become::Deliver job) = 0;
  virtual event::Task<services::become::FileContent> read_file(Identity who, services::become::ReadFile job) = 0;
  virtual event::Task<services::become::Ended> run(Identity who, services::become::Run job) = 0;
  /// The queue id of the new message, or why there is none.
  virtual event::Task<Result<std::string>> forward(Forward message) = 0;
  /// A user's mbox has a new message that begins there.
  virtual void tell_new_mail(const std::string& user, uint64_t begins_at) = 0;
  /// Hands the recipient to another delivery agent.
  virtual event::Task<services::delivery::RecipientResult> pass(std::string transport, std::string nexthop,
                                                                std::string recipient) = 0;
};

}  // namespace umaya::local_delivery
