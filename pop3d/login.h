// NAME    login - a POP3 session before its user is known (AUTHORIZATION state)
//
// DESCRIPTION
//     Takes CAPA, LANG, UTF8, STLS, and a log-in by USER and PASS, APOP or AUTH with any mechanism that the
//     authentication server offers; gives back a ticket with which the parent of sessions fetches who that was. Nothing
//     of a mailbox is touched here. A failure is logged when it happens, not when the client goes.
//
//     What a client has sent behind STLS before TLS stands is dropped (RFC 2595 section 4), and what was given before
//     (USER) is forgotten. Passwords are asked for and taken over a secured line only, unless
//     pop3_disable_plaintext_auth = no; one that comes all the same is refused, and stands in no log.
//
// LIMITS
//     pop3_login_timeout for the whole log-in; kMostFailures wrong passwords; pop3_bad_command_limit wrong commands,
//     kMostCommands altogether.
#pragma once

#include <optional>
#include <string>

#include "libcommon/auth/auth_client.h"
#include "libcommon/event/stream.h"
#include "pop3d/capabilities.h"
#include "pop3d/command.h"
#include "pop3d/encryption.h"
#include "pop3d/link.h"
#include "pop3d/params.h"

namespace umaya::pop3d {

inline constexpr int kMostFailures = 5;
inline constexpr int kMostCommands = 200;

struct LoggedIn {
  std::string user;
  auth::LoginTicket ticket{};
  bool utf8 = false;
};

class Login {
 public:
  /// All arguments outlive the log-in. encryption: nullptr without TLS. link: filled in further.
  Login(event::Stream& client, auth::AuthClient& auth, Encryption* encryption, const Params& params, Link& link)
      : client_(client), auth_(auth), encryption_(encryption), params_(params), link_(link) {}
  /// Greets and goes on until the user is known; nothing when the client went away or was sent away.
  event::Task<std::optional<LoggedIn>> run();

 private:
  enum class Next : unsigned char { go_on, hang_up };

  event::Task<void> greet();
  event::Task<void> converse();
  event::Task<Next> dispatch(std::string line);
  event::Task<Next> capa();
  event::Task<Next> stls();
  event::Task<Next> pass(Secret password);
  event::Task<Next> apop(std::string user, std::string digest);
  event::Task<Next> auth(const Command* command);
  event::Task<Next> exchange(std::string mechanism, std::optional<std::string> initial);
  event::Task<std::optional<std::string>> client_response(Next* next);
  Next user(const Command& command);
  Next utf8();
  Next verdict(const auth::AuthReply& reply, std::string_view method, std::string_view name);
  Next complain(std::string_view text);
  Next refuse_plaintext();
  event::Task<std::vector<auth::Mechanism>> offered();
  bool usable(const auth::Mechanism& mechanism) const;
  /// Of the TLS connection; empty without one.
  std::string channel_binding() const;
  auth::AuthContext context() const;
  /// With the channel binding: what mechanisms of several steps are told.
  auth::AuthContext bound_context() const;
  bool plaintext_refused() const { return params_.disable_plaintext && !link_.secured(); }
  bool locked() const { return params_.tls_level == TlsLevel::encrypt && !link_.tls; }
  bool stls_offered() const { return encryption_ != nullptr && encryption_ready_ && !link_.tls; }
  void log_end(std::string_view how) const;

  event::Stream& client_;
  auth::AuthClient& auth_;
  Encryption* encryption_;
  const Params& params_;
  Link& link_;
  bool encryption_ready_ = false;
  std::optional<std::string> user_;
  std::optional<LoggedIn> logged_in_;
  std::string timestamp_;  // of the greeting, when APOP is offered
  std::string_view how_ = "Connection closed";
  bool utf8_ = false;
  int failures_ = 0, bad_commands_ = 0, commands_ = 0;
  TimePoint begun_{};
};

}  // namespace umaya::pop3d
