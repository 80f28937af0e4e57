// NAME    auth_client - asks an authentication server, authd or Dovecot's
//
// SYNOPSIS
//     AuthClient client(queue_directory + "/private/auth");
//     AuthContext context{.service = "pop3", .remote = "192.0.2.1"};
//     AuthReply reply = co_await client.check_plain(user, std::move(password), std::move(context));
//
// DESCRIPTION
//     Speaks Dovecot's authentication protocol, version 1. Connections are kept open for the next request; one that the
//     server has closed meanwhile is opened again and the request asked once more.
//     With AuthContext::keep the server remembers a log-in for a minute, so that a session process with more rights can
//     fetch the user's data by the ticket in the reply (fetch_login), instead of trusting the process that asked.
//
// OWNERSHIP
//     The client outlives its requests.
//
// ERRORS
//     AuthStatus::temporary: the server could not be asked or could not say. It never means "wrong password".
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "libcommon/auth/auth_wire.h"
#include "libcommon/base/secret.h"
#include "libcommon/event/stream.h"
#include "libcommon/event/task.h"

namespace umaya::auth {

enum class AuthStatus : unsigned char { ok, failed, temporary };

/// What a session process shows to fetch a log-in.
struct LoginTicket {
  uint32_t client_pid = 0;
  uint32_t request = 0;
  std::string cookie{};
};

struct AuthReply {
  AuthStatus status = AuthStatus::temporary;
  std::string user{};    ///< canonical name, when ok
  std::string reason{};  ///< why not, for the log
  LoginTicket ticket{};
};

/// What the server is told about a client.
struct AuthContext {
  std::string service;
  std::string local{};  ///< addresses, without brackets
  std::string remote{};
  bool secured = false;
  bool keep = false;
};

class AuthClient {
 public:
  explicit AuthClient(std::string socket_path) : path_(std::move(socket_path)) {}
  /// Mechanism PLAIN with this user and password. context is taken by value.
  event::Task<AuthReply> check_plain(std::string user, Secret password, AuthContext context);

 private:
  struct Connection {
    explicit Connection(Fd fd) : stream(std::move(fd)) {}
    event::Stream stream;
    std::string cookie;
  };
  enum class Attempt : unsigned char { answered, lost };

  event::Task<Result<std::unique_ptr<Connection>>> open();
  event::Task<Attempt> ask(Connection* connection, std::string request, uint32_t id, AuthReply* reply);

  std::string path_;
  std::vector<std::unique_ptr<Connection>> idle_;
  uint32_t next_id_ = 1;
};

/// What the session process learns about the user who has logged in.
struct LoginData {
  std::string user;
  uint32_t uid = 0;
  uint32_t gid = 0;
  std::string home;
  std::string mail;  ///< empty: the service's default
};

/// Fetches a log-in by its ticket (REQUEST). Blocks, at most the limit: for a process that serves this one session.
Result<LoginData> fetch_login(const std::string& socket_path, const LoginTicket& ticket, Duration limit);
/// The USER reply to a REQUEST.
Result<LoginData> parse_login_data(const AuthLine& line);

}  // namespace umaya::auth
