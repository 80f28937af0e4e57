// NAME    server - which log-ins smtpd offers to whom, and the authentication server behind them
//
// SYNOPSIS
//     UMAYA_TRY(auto server, LoginServer::create(settings, queue_directory, table_options, client_style));
//     if (server->offered_to(client)) text += "AUTH " + co_await server->keywords(client);
//     if (co_await server->choose("PLAIN", client) == LoginServer::Choice::usable) …server->client().begin(…)
//
// DESCRIPTION
//     The mechanisms are those of the authentication server (authd or Dovecot's), less what the security options for
//     the state of the line and smtpd_sasl_mechanism_filter keep out. While the server cannot be asked, those that it
//     had last are offered, PLAIN and LOGIN at the beginning: who uses one then hears of a temporary trouble instead of
//     being refused for not having logged in.
//
// OWNERSHIP
//     The server outlives the sessions.
//
// ERRORS
//     create(): a type or path that cannot be used, with the cure.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "libcommon/auth/auth_client.h"
#include "libcommon/event/task.h"
#include "libcommon/table/match_list.h"
#include "smtpd/client.h"
#include "smtpd/login/settings.h"

namespace umaya::smtpd {

/// Whether the options let this mechanism through.
bool permits(uint8_t options, const auth::Mechanism& mechanism);

class LoginServer {
 public:
  static Result<std::unique_ptr<LoginServer>> create(LoginSettings settings, std::string_view queue_directory,
                                                     const table::Options& tables, table::ParentStyle style);
  LoginServer(const LoginServer&) = delete;
  LoginServer& operator=(const LoginServer&) = delete;

  /// No for clients in smtpd_sasl_exceptions_networks.
  bool offered_to(const Client& client);
  /// co_await: the mechanisms for EHLO, "PLAIN LOGIN"; empty when there is none that this client could use now.
  event::Task<std::string> keywords(const Client& client);
  enum class Choice : uint8_t { usable, needs_encryption, unknown };
  /// co_await: what becomes of this mechanism for this client. name in upper case.
  event::Task<Choice> choose(std::string_view name, const Client& client);
  /// What the authentication server is told of a client.
  auth::AuthContext context(const Client& client, int fd) const;

  auth::AuthClient& client() { return client_; }
  const LoginSettings& settings() const { return settings_; }
  void refresh();

 private:
  LoginServer(LoginSettings settings, std::string path);
  event::Task<void> ask_mechanisms();
  bool usable(const auth::Mechanism& mechanism, const Client& client, bool encrypted);

  LoginSettings settings_;
  auth::AuthClient client_;
  table::MatchList filter_, exceptions_;
  std::vector<auth::Mechanism> mechanisms_;  ///< as the server named them last
  TimePoint next_complaint_{};
};

}  // namespace umaya::smtpd
