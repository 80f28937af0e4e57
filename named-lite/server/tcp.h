// NAME    tcp - questions over TCP (RFC 7766)
//
// DESCRIPTION
//     Each question and answer has its length in two octets before it. Several questions may be under way on one
//     connection; what has arrived is answered before the next is waited for. A transfer (RFC 5936) is sent message by
//     message as the client takes it.
//
// LIMITS
//     kMostClients connections, idle for 30 s at most; a client that does not read its answers is dropped after 10 s,
//     in a transfer after 60 s. As many transfers at once as transfers-out says; further ones are refused.
#pragma once

#include <memory>
#include <span>

#include "libcommon/event/listener.h"
#include "libcommon/event/stream.h"
#include "named-lite/server/responder.h"

namespace umaya::named {

class TcpServer {
 public:
  static constexpr size_t kMostClients = 500;

  /// The socket listens; the responder outlives this object.
  TcpServer(Fd fd, Responder& responder);

 private:
  void accepted(Fd fd, const event::PeerAddress& peer);
  event::Task<void> session(Fd fd, event::PeerAddress peer);
  bool answer(event::Stream& client, std::string_view question, const event::PeerAddress& peer);
  event::Task<bool> send_zone(event::Stream& client, Transfer transfer);

  Responder& responder_;
  std::unique_ptr<char[]> answer_;  // one answer is made at a time
  unsigned transfers_ = 0;
  event::TaskScope sessions_;
  event::Listener listener_;
};

}  // namespace umaya::named
