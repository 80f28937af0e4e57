// NAME    login_fetch - learns from authd who a ticket stands for
//
// SYNOPSIS
//     LoginFetch fetch("/var/spool/umaya/private/auth");
//     auto data = co_await fetch.ask(ticket);      // Result<auth::LoginData>
//
// DESCRIPTION
//     For the process that has the right to ask (root's, or the user's whose instance it is). authd seals its word into
//     the ticket, and tells the key once; Dovecot's server is asked for each ticket. Connections are kept. A ticket is
//     good once; one that the server does not know gives an error.
//
// LIMITS
//     Ten seconds for an answer; kMostIdle connections are kept.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "libcommon/auth/login_seal.h"
#include "libcommon/event/stream.h"

namespace umaya::pop3d {

class LoginFetch {
 public:
  explicit LoginFetch(std::string socket_path) : path_(std::move(socket_path)) {}
  event::Task<Result<auth::LoginData>> ask(auth::LoginTicket ticket);
  /// Keeps no connections open: the server may wait for that to end.
  void close_idle() { idle_.clear(); }

 private:
  static constexpr size_t kMostIdle = 8;
  struct Connection {
    explicit Connection(Fd fd) : stream(std::move(fd)) {}
    event::Stream stream;
    uint32_t next = 1;
  };
  enum class Attempt : unsigned char { answered, lost };
  event::Task<Result<auth::LoginData>> open_sealed(const auth::LoginTicket* ticket);
  event::Task<Result<void>> learn_key();
  /// Asks with these fields behind the number of the request.
  event::Task<Result<auth::AuthLine>> exchange(std::string verb, std::vector<std::string> fields);
  event::Task<Attempt> ask_on(Connection* connection, const auth::AuthLine* request, Result<auth::AuthLine>* into);

  std::string path_;
  std::vector<std::unique_ptr<Connection>> idle_;
  std::unique_ptr<auth::LoginSeal> seal_;
};

}  // namespace umaya::pop3d
