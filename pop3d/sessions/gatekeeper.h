// NAME    gatekeeper - decides on a log-in: whose it is, whether it may become a session now
//
// SYNOPSIS
//     auto admitted = co_await gatekeeper.admit(&handover);     // std::expected<Admitted, reply to the client>
//     …serve…   gatekeeper.left(admitted->id);
//
// DESCRIPTION
//     A ticket holds authd's word who that is, or is shown to authd; without its word nobody gets in. Then come the
//     limits: the superuser has no mailbox here, pop3_session_limit sessions altogether,
//     pop3_user_address_session_limit sessions of one user from one address, pop3_login_delay between two log-ins of a
//     user. Whoever is let in is entered in the registry, and with pop_before_smtp_enable the address becomes one from
//     which mail may be sent.
#pragma once

#include <expected>
#include <memory>
#include <string>

#include "libcommon/services/recent_logins.h"
#include "pop3d/sessions/location.h"
#include "pop3d/sessions/login_fetch.h"
#include "pop3d/sessions/messages.h"
#include "pop3d/sessions/registry.h"
#include "pop3d/sessions/shared_limits.h"

namespace umaya::pop3d {

struct Admitted {
  auth::LoginData data;
  Location location;
  uint64_t id = 0;  ///< the session's number
};

class Gatekeeper {
 public:
  /// params outlives the object; end: ends a session ("umaya kick").
  Gatekeeper(const Params& params, std::function<void(uint64_t)> end);
  /// Opens the socket of "umaya who" and the table of the limits. What cannot be opened is told in the log and missed.
  void open();
  /// handover outlives the task. The error is what the client is told; the log has it already.
  event::Task<std::expected<Admitted, std::string>> admit(const Handover* handover);
  void left(uint64_t id);
  /// No more log-ins will come.
  void close() { fetch_.close_idle(); }
  Registry& registry() { return registry_; }

 private:
  bool is_full() const { return registry_.size() >= static_cast<size_t>(params_.session_limit); }
  Admission claim(const auth::LoginData& data, const Handover& handover);
  std::string refusal(Admission admission, const std::string& user, const std::string& remote) const;

  const Params& params_;
  LoginFetch fetch_;
  Registry registry_;
  std::unique_ptr<SharedLimits> limits_;
  std::unique_ptr<services::RecentLogins> recent_logins_;
};

/// The socket of the authentication server.
std::string auth_socket_path(const Params& params);

}  // namespace umaya::pop3d
