// NAME    session - one client of authd, in Dovecot's authentication protocol (version 1)
//
// DESCRIPTION
//     We open with VERSION, the mechanisms, our pid, a number and a cookie for this connection, DONE. The client opens
//     with VERSION and CPID; then come requests, several at once:
//         AUTH id mechanism name=value … [resp=base64]     CONT id base64     CANCEL id
//     and our answers OK id user=…, FAIL id user=… [code=temp_fail], CONT id base64. A log-in without "nologin" is kept
//     for a minute, and a process that is root's (or ours, when nothing of us is root's) may fetch it once:
//         REQUEST id client-pid client-request cookie  ->  USER id name uid=… gid=… home=… mail=…
//     All failures are answered alike and after auth_failure_delay. A client that does not keep the protocol is cut
//     off.
//
// LIMITS
//     kMostRequests requests under way; 16384 octets a line.
#pragma once

#include <sys/types.h>

#include <map>
#include <string>

#include "authd/authenticator.h"
#include "libcommon/auth/auth_wire.h"
#include "libcommon/event/stream.h"
#include "libcommon/event/task.h"

namespace umaya::authd {

/// Log-ins that wait to be fetched.
class LoginStore {
 public:
  static constexpr size_t kMost = 10000;
  static constexpr Duration kLifetime = std::chrono::seconds(60);

  void keep(const std::string& cookie, uint32_t client_pid, uint32_t request, std::string user, TimePoint now);
  /// The user of a log-in, once; empty when there is none.
  std::string take(std::string_view cookie, uint32_t client_pid, uint32_t request, TimePoint now);

 private:
  struct Login {
    std::string user;
    TimePoint until;
  };
  std::map<std::string, Login, std::less<>> logins_;
};

/// What all sessions share.
struct Shared {
  Shared(Params p, size_t threads) : params(p), authenticator(std::move(p), threads) {}
  Params params;
  Authenticator authenticator;
  LoginStore logins;
  uint32_t next_connection = 1;
};

class Session {
 public:
  static constexpr size_t kMostRequests = 64;

  /// may_fetch: the peer is trusted with the data of users (REQUEST).
  enum class Trust : unsigned char { client, master };
  Session(Fd fd, Shared& shared, Trust trust);
  event::Task<void> run();

 private:
  enum class Step : unsigned char { user, password };
  struct Exchange {  // a mechanism that waits for the client's next message
    std::string mechanism;
    std::string user;
    std::string remote;
    bool keep = false;
    Step step = Step::user;
  };
  enum class Protocol : unsigned char { kept, broken };

  void greet();
  Protocol handle(auth::AuthLine& line);
  Protocol start(auth::AuthLine& line);
  Protocol go_on(auth::AuthLine& line);
  void fetch(const auth::AuthLine& line);
  void plain(uint32_t id, std::string_view message, bool keep, std::string remote);
  void login_step(uint32_t id, Exchange& exchange, std::string_view message);
  event::Task<void> judge(uint32_t id, Attempt attempt, bool keep);
  void fail(uint32_t id, const std::string& user, std::string_view code);
  void send(const auth::AuthLine& line);

  event::Stream stream_;
  Shared& shared_;
  Trust trust_;
  std::string cookie_;
  uint32_t client_pid_ = 0;
  unsigned client_minor_ = 0;
  bool greeted_ = false;
  bool closing_ = false;
  std::map<uint32_t, Exchange> waiting_;
  event::TaskScope requests_;
};

}  // namespace umaya::authd
