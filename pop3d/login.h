// NAME    login - a POP3 session before its user is known (AUTHORIZATION state)
//
// DESCRIPTION
//     Reads USER and PASS, asks the authentication server, and gives back a ticket with which the session process
//     fetches who that was. Nothing of a mailbox is touched here. A failure is logged when it happens, not when the
//     client goes.
//
// LIMITS
//     pop3_login_timeout for the whole log-in; kMostFailures wrong passwords; pop3_bad_command_limit wrong commands.
#pragma once

#include <optional>
#include <string>

#include "libcommon/auth/auth_client.h"
#include "libcommon/event/stream.h"
#include "pop3d/command.h"
#include "pop3d/params.h"

namespace umaya::pop3d {

inline constexpr int kMostFailures = 5;

/// Where a client comes from and what protects the line.
struct Link {
  std::string local;     ///< our address, without brackets
  std::string remote;    ///< the client's
  bool secured = false;  ///< encrypted, or the loopback
};

struct LoggedIn {
  std::string user;
  auth::LoginTicket ticket;
};

class Login {
 public:
  /// All arguments outlive the log-in.
  Login(event::Stream& client, auth::AuthClient& auth, const Params& params, const Link& link)
      : client_(client), auth_(auth), params_(params), link_(link) {}
  /// Greets and goes on until the user is known; nothing when the client went away or was sent away.
  event::Task<std::optional<LoggedIn>> run();

 private:
  enum class Next : unsigned char { go_on, hang_up };
  Next dispatch(const Command& command);
  event::Task<Next> pass(std::string password);
  Next failed(const auth::AuthReply& reply);
  void capabilities();
  Next complain(std::string_view text);
  bool plaintext_refused() const { return params_.disable_plaintext && !link_.secured; }

  event::Stream& client_;
  auth::AuthClient& auth_;
  const Params& params_;
  const Link& link_;
  std::optional<std::string> user_;
  std::optional<LoggedIn> logged_in_;
  bool pass_given_ = false;
  int failures_ = 0;
  int bad_commands_ = 0;
};

}  // namespace umaya::pop3d
