// NAME    tcp - connections in the zone process: transfers, updates and signed questions (RFC 7766)
//
// DESCRIPTION
//     A query process hands a connection over when something comes in that only the zone process can answer; from then
//     on everything on it is answered here. Each question and answer has its length in two octets before it. A transfer
//     (RFC 5936, RFC 1995) is sent message by message as the client takes it. Answers come in the order of the
//     questions, those of other name servers, too.
//
// LIMITS
//     kMostClients connections, idle for 30 s at most; a client that does not read its answers is dropped after 10 s,
//     in a transfer after max-transfer-idle-out, 60 s. As many transfers at once as transfers-out says; further ones
//     are refused.
#pragma once

#include <memory>
#include <span>
#include <string>

#include "libcommon/event/listener.h"
#include "libcommon/event/stream.h"
#include "libcommon/event/worker_pool.h"
#include "named-lite/server/late_answers.h"

namespace umaya::named {

class TcpServer {
 public:
  static constexpr size_t kMostClients = 1000;

  /// All three outlive this object.
  TcpServer(Responder& responder, LateAnswers& late, event::WorkerPool& pool);
  /// Serves a connection on which this has arrived, from the length of a question on.
  void adopt(Fd fd, const event::PeerAddress& peer, std::string arrived);

 private:
  /// Both ends of a connection.
  struct Ends {
    event::PeerAddress peer;
    net::IpAddress local;
    const sockaddr* client() const { return reinterpret_cast<const sockaddr*>(&peer.storage); }
  };
  event::Task<void> session(Fd fd, event::PeerAddress peer, std::string arrived);
  event::Task<bool> answer(event::Stream& client, std::string question, const Ends& ends);
  event::Task<void> answer_update(event::Stream& client, std::string packet, const Ends& ends);
  event::Task<bool> carry_out(event::Stream& client, TransferOrder order);
  event::Task<bool> send_zone(event::Stream& client, Transfer transfer);

  Responder& responder_;
  LateAnswers& late_;
  event::WorkerPool& pool_;
  std::unique_ptr<char[]> answer_;  // one answer is made at a time
  unsigned transfers_ = 0;
  event::TaskScope sessions_;
};

}  // namespace umaya::named
