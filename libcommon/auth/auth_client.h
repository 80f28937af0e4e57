// NAME    auth_client - asks an authentication server, authd or Dovecot's
//
// SYNOPSIS
//     AuthClient client(queue_directory + "/private/auth");
//     AuthContext context{.service = "pop3", .remote = "192.0.2.1"};
//     AuthReply reply = co_await client.check_plain(user, std::move(password), std::move(context));
//
//     std::unique_ptr<AuthClient::Exchange> exchange;               // any mechanism, step by step
//     auto step = co_await client.begin(&exchange, "SCRAM-SHA-256", std::nullopt, std::move(context));
//     while (step.kind == AuthClient::Step::Kind::challenge) {
//       …send step.challenge, read the answer…  "*": client.cancel(*exchange), done
//       step = co_await client.go_on(exchange.get(), answer);
//     }
//     use(step.reply);
//
// DESCRIPTION
//     Speaks Dovecot's authentication protocol, version 1. Connections are kept open for the next request; one that the
//     server has closed meanwhile is opened again and the request asked once more. An exchange has a connection for
//     itself, so that what goes wrong in one never touches another.
//     The last message of a server that proves itself (SCRAM) comes as a challenge, too; the client's empty answer to
//     it ends the exchange.
//     With AuthContext::keep the server remembers a log-in for a minute, so that a session process with more rights can
//     fetch the user's data by the ticket in the reply (REQUEST), instead of trusting the process that asked. authd
//     seals the data into the ticket instead, when it is asked to (login_seal.h).
//
// OWNERSHIP
//     The client outlives its requests and exchanges. Destroying an exchange that has not ended gives it up.
//
// ERRORS
//     AuthStatus::temporary: the server could not be asked or could not say. It never means "wrong password".
#pragma once

#include <memory>
#include <optional>
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
  std::string sealed{};  ///< the user's data for who has the server's key (login_seal.h); from authd only
};

struct AuthReply {
  AuthStatus status = AuthStatus::temporary;
  std::string user{};    ///< canonical name, when ok
  std::string reason{};  ///< why not, for the log
  LoginTicket ticket{};
  std::string code{};  ///< why not, as the protocol names it: "user_disabled", "authz_fail", "invalid_base64" …
};

/// What the server is told about a client.
struct AuthContext {
  std::string service;
  std::string local{};  ///< addresses, without brackets
  std::string remote{};
  bool secured = false;
  bool keep = false;
  bool seal =
      false;  ///< with keep: where the server can, the ticket carries the user's data, and nothing is remembered
  std::string cert_username{};  ///< name in the client's verified certificate, for EXTERNAL
  /// What ties the TLS connection to the exchange (RFC 5056), bytes as the TLS library gives them. Give them for every
  /// mechanism when -PLUS mechanisms were offered: the server notices then when somebody has taken those out.
  std::string channel_binding_type{};  ///< "tls-exporter", "tls-server-end-point"
  std::string channel_binding_data{};
  uint16_t local_port = 0;  ///< 0: not known
  uint16_t remote_port = 0;
};

/// One mechanism the server offers.
struct Mechanism {
  std::string name{};
  bool plaintext = false;
  bool anonymous = false;
  bool dictionary = false;
  bool active = false;
  bool forward_secrecy = false;
  bool mutual_auth = false;
  bool is_private = false;       ///< not to be announced (APOP)
  bool channel_binding = false;  ///< a -PLUS mechanism: only over TLS, with AuthContext::channel_binding_data
};
/// A MECH or MECH-CBIND line of a server's greeting.
Mechanism parse_mechanism(const AuthLine& line);

class AuthClient {
 public:
  class Exchange;
  /// What the server says next in an exchange.
  struct Step {
    enum class Kind : uint8_t { challenge, done } kind = Kind::done;
    std::string challenge{};  ///< decoded
    AuthReply reply{};        ///< when done
  };

  /// socket_path: an absolute path, or "inet:address:port".
  explicit AuthClient(std::string socket_path);
  AuthClient(const AuthClient&) = delete;
  AuthClient& operator=(const AuthClient&) = delete;
  ~AuthClient();
  /// Mechanism PLAIN with this user and password. context is taken by value.
  event::Task<AuthReply> check_plain(std::string user, Secret password, AuthContext context);
  /// What the server offers; asked again when it was started anew. temporary: it cannot be asked.
  event::Task<Result<std::vector<Mechanism>>> mechanisms();
  /// Begins an exchange. initial: the initial response, nothing when the client gave none (RFC 4422 3).
  event::Task<Step> begin(std::unique_ptr<Exchange>* exchange, std::string mechanism,
                          std::optional<std::string> initial, AuthContext context);
  /// The client's answer to a challenge, decoded.
  event::Task<Step> go_on(Exchange* exchange, std::string response);
  /// The client has given up ("*").
  void cancel(Exchange& exchange);
  /// An answer of the server to AUTH or CONT.
  static Step parse_step(const AuthLine& line);

 private:
  struct Connection;
  enum class Attempt : unsigned char { answered, lost };

  event::Task<Result<Fd>> connect();
  event::Task<Result<std::unique_ptr<Connection>>> open();
  std::unique_ptr<Connection> take_idle();
  void put_back(std::unique_ptr<Connection> connection);
  event::Task<Attempt> ask(Exchange* exchange, std::string request, Step* step);

  std::string path_;
  std::vector<std::unique_ptr<Connection>> idle_;
  std::vector<Mechanism> mechanisms_;
  uint32_t next_id_ = 1;
};

/// One exchange under way.
class AuthClient::Exchange {
 public:
  ~Exchange();
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;

 private:
  friend class AuthClient;
  Exchange(std::unique_ptr<Connection> connection, uint32_t id);
  std::unique_ptr<Connection> connection_;
  uint32_t id_;
};

/// What the session process learns about the user who has logged in.
struct LoginData {
  std::string user;
  uint32_t uid = 0;
  uint32_t gid = 0;
  std::string home;
  std::string mail;                 ///< empty: the service's default
  std::vector<std::string> more{};  ///< other fields: "quota_rule=*:storage=1G"
};

/// The data of a user (USER), and all names (LIST), for who is trusted by the server. permanent: no such user. Both
/// block.
Result<LoginData> look_up_user(const std::string& socket_path, std::string_view user, Duration limit);
Result<std::vector<std::string>> list_users(const std::string& socket_path, Duration limit);
/// The USER reply to a REQUEST.
AuthLine user_line(std::string_view id, const LoginData& data);
Result<LoginData> parse_login_data(const AuthLine& line);

}  // namespace umaya::auth
