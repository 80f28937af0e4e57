// NAME    tcp_questions - questions over TCP in a query process (RFC 7766)
//
// DESCRIPTION
//     Each question and answer has its length in two octets before it. What has arrived is answered before the next is
//     waited for, but for questions that need recursion: their answers come when they are there, in any order. With the
//     first packet that the zone process has to answer the connection is given away, with all that was read and is not
//     answered yet, once all else is answered.
//
// LIMITS
//     kMostWaiting questions of a connection wait for recursion; then no more are read. tcp-clients connections
//     (tcp_clients.h), idle for tcp-idle-timeout at most, the time of a whole question included; the first question has
//     tcp-initial-timeout, and clients that say so (RFC 7828) have tcp-keepalive-timeout. A client that does not read
//     its answers is dropped after 10 s.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "libcommon/event/listener.h"
#include "libcommon/event/stream.h"
#include "libcommon/event/sync.h"
#include "named-lite/query/questions.h"
#include "named-lite/query/tcp_clients.h"

namespace umaya::named {

class TcpQuestions {
 public:
  static constexpr size_t kMostWaiting = 64;
  /// Takes a connection and what arrived on it.
  using Elsewhere = std::function<void(Fd, const event::PeerAddress& client, std::string arrived)>;

  /// The socket listens at local; questions and clients outlive this object.
  TcpQuestions(Fd fd, const net::IpAddress& local, Questions& questions, TcpClients& clients, Elsewhere elsewhere);

 private:
  enum class Next : unsigned char { go_on, give_away, end };
  void accepted(Fd fd, const event::PeerAddress& peer);
  /// One connection. Answers that come late find it gone or not.
  struct Session {
    Session(Fd fd, const event::PeerAddress& address, const net::IpAddress& asked)
        : client(std::move(fd)), peer(address), local(asked) {}
    event::Stream client;
    event::PeerAddress peer;
    net::IpAddress local;  // the address that was asked
    size_t waiting = 0;    // questions that need recursion
    bool keeps_alive = false;
    event::Event answered{};
    event::Semaphore sender{1};
  };
  /// Shared: an answer that is on its way to the client may outlive the task that reads from it.
  using SessionPtr = std::shared_ptr<Session>;
  event::Task<void> session(SessionPtr session);
  event::Task<void> serve(Fd fd, event::PeerAddress peer);
  event::Task<bool> flush(SessionPtr session);
  event::Task<void> flush_late(SessionPtr session);
  event::Task<void> until_waiting_at_most(SessionPtr session, size_t most);
  Next answer(const SessionPtr& session, std::string_view question);
  void recurse(const SessionPtr& session, std::string_view question, const RecursivePlace& place);

  net::IpAddress local_;
  Questions& questions_;
  TcpClients& clients_;
  Elsewhere elsewhere_;
  std::unique_ptr<char[]> answer_;  // one answer is made at a time
  event::TaskScope sessions_;
  event::Listener listener_;
};

}  // namespace umaya::named
