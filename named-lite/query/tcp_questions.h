// NAME    tcp_questions - questions over TCP in a query process (RFC 7766)
//
// DESCRIPTION
//     Each question and answer has its length in two octets before it. What has arrived is answered before the next is
//     waited for, in the order in which it came. With the first packet that the zone process has to answer the
//     connection is given away, with all that was read and is not answered yet.
//
// LIMITS
//     tcp-clients connections (tcp_clients.h), idle for tcp-idle-timeout at most, the time of a whole question
//     included; the first question has tcp-initial-timeout, and clients that say so (RFC 7828) have
//     tcp-keepalive-timeout. A client that does not read its answers is dropped after 10 s.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "libcommon/event/listener.h"
#include "libcommon/event/stream.h"
#include "named-lite/query/questions.h"
#include "named-lite/query/tcp_clients.h"

namespace umaya::named {

class TcpQuestions {
 public:
  /// Takes a connection and what arrived on it.
  using Elsewhere = std::function<void(Fd, const event::PeerAddress& client, std::string arrived)>;

  /// The socket listens; questions and clients outlive this object.
  TcpQuestions(Fd fd, Questions& questions, TcpClients& clients, Elsewhere elsewhere);

 private:
  enum class Next : unsigned char { go_on, give_away, end };
  void accepted(Fd fd, const event::PeerAddress& peer);
  event::Task<void> session(Fd fd, event::PeerAddress peer);
  Next answer(event::Stream& client, std::string_view question, const event::PeerAddress& peer, bool& keeps_alive);

  Questions& questions_;
  TcpClients& clients_;
  Elsewhere elsewhere_;
  std::unique_ptr<char[]> answer_;  // one answer is made at a time
  event::TaskScope sessions_;
  event::Listener listener_;
};

}  // namespace umaya::named
