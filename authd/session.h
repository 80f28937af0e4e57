// NAME    session - one client of authd, in Dovecot's authentication protocol (version 1)
//
// DESCRIPTION
//     We open with VERSION, the mechanisms, our pid, a number and a cookie for this connection, DONE. The client opens
//     with VERSION and CPID; then come requests, several at once:
//         AUTH id mechanism service=… name=value … [resp=base64]     CONT id base64     CANCEL id
//     and our answers OK id user=… [resp=base64], FAIL id user=… [code=…], CONT id base64. With final-resp-ok the last
//     word of SCRAM comes with OK; without, as a CONT that the client answers with an empty one. What root, and we
//     ourselves, may ask besides is in master_requests.h.
//
//     Read of AUTH: service or protocol, rip, nologin, final-resp-ok, cert_username (with valid-client-cert), resp;
//     other fields have no effect. MECH-CBIND lines stand for mechanisms that bind the TLS channel; who does not know
//     them passes over them. Our own extensions: the line "UMAYA binding seal" offers to take umaya_binding=TYPE:BASE64
//     in AUTH, the channel binding (RFC 5929) of the client's connection, which those mechanisms need; a service
//     that offered them sends it with every mechanism, so that their removal on the way is noticed. And umaya_seal,
//     without nologin: OK has the user's data in umaya_sealed=BASE64 (login_seal.h), and REQUEST does not know the
//     log-in.
//
//     All failures are answered alike and held back (penalties.h). Trouble of ours is FAIL with code=temp_fail. A
//     client of protocol version 1.0, which Postfix and Exim are, would take that for a wrong password: its connection
//     is closed instead, upon which both ask their client to try again later. A client that does not keep the protocol
//     is cut off.
//
// LIMITS
//     kMostRequests requests under way; 16384 octets a line; kAnswerLimit for each answer of a client.
#pragma once

#include <sys/types.h>

#include <map>
#include <string>

#include "authd/authenticator.h"
#include "authd/mechanisms.h"
#include "libcommon/auth/auth_wire.h"
#include "libcommon/auth/login_seal.h"
#include "libcommon/event/stream.h"
#include "libcommon/event/task.h"

namespace umaya::authd {

/// Log-ins that wait to be fetched.
class LoginStore {
 public:
  static constexpr size_t kMost = 10000;
  static constexpr Duration kLifetime = std::chrono::seconds(60);

  void keep(const std::string& cookie, uint32_t client_pid, uint32_t request, std::string user, TimePoint now);
  bool empty() const { return logins_.empty(); }
  /// The user of a log-in, once; empty when there is none.
  std::string take(std::string_view cookie, uint32_t client_pid, uint32_t request, TimePoint now);

 private:
  struct Login {
    std::string user;
    TimePoint until;
  };
  std::map<std::string, Login, std::less<>> logins_;
};

/// A key that nobody has yet.
Secret random_seal_key();

/// What all sessions share.
struct Shared {
  Shared(Params p, const table::Options& tables, std::string salt_key, size_t threads, SystemHelper* helper)
      : params(std::move(p)),
        authenticator(params, tables, std::move(salt_key), threads, helper),
        seal(random_seal_key()) {}
  Shared(const Shared&) = delete;
  Shared& operator=(const Shared&) = delete;
  const Params params;
  Authenticator authenticator;
  LoginStore logins;
  auth::LoginSeal seal;
  uint32_t next_connection = 1;
};

/// What a peer may ask for: log-ins; data of users, too; passwords as they are stored, too.
enum class Trust : unsigned char { client, master, owner };

class Session {
 public:
  static constexpr size_t kMostRequests = 64;
  static constexpr Duration kAnswerLimit = std::chrono::seconds(150);

  Session(Fd fd, Shared& shared, Trust trust);
  event::Task<void> run();
  /// Ends the conversation unless a request is under way. A client that asks at this moment opens another connection.
  void close_if_idle();

 private:
  class Exchange;
  enum class Protocol : unsigned char { kept, broken };

  void greet();
  Protocol handle(auth::AuthLine& line);
  Protocol start(auth::AuthLine& line);
  Protocol go_on(auth::AuthLine& line);
  void cancel(const auth::AuthLine& line);
  event::Task<void> converse(std::unique_ptr<Exchange> exchange);
  event::Task<void> answer(Exchange* exchange, Outcome outcome);
  event::Task<std::string> seal(uint32_t request, std::string user);
  event::Task<void> serve_master(auth::AuthLine line);
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
  std::map<uint32_t, Exchange*> exchanges_;  // each lives in its task of requests_
  event::TaskScope requests_;
};

}  // namespace umaya::authd
