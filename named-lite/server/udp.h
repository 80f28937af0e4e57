// NAME    udp - questions over UDP, in batches
//
// DESCRIPTION
//     Takes up to kBatch datagrams with one recvmmsg, answers them, and sends the answers with one sendmmsg. What the
//     kernel does not take is dropped, as a network would. Answers are never fragmented (RFC 9715).
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <memory>

#include "libcommon/base/fd.h"
#include "libcommon/event/loop.h"
#include "named-lite/server/responder.h"

namespace umaya::named {

class UdpServer {
 public:
  /// The socket is bound; the responder outlives this object.
  UdpServer(Fd fd, Responder& responder);

 private:
  static constexpr size_t kBatch = 64;
  static constexpr size_t kMostQuestion = 4096;
  static constexpr size_t kMostUdpAnswer = 4096;

  struct Buffers {
    std::array<std::array<char, kMostQuestion>, kBatch> questions;
    std::array<std::array<char, kMostUdpAnswer>, kBatch> answers;
    std::array<sockaddr_storage, kBatch> clients;
    std::array<iovec, kBatch> question_pieces;
    std::array<iovec, kBatch> answer_pieces;
    std::array<mmsghdr, kBatch> received;
    std::array<mmsghdr, kBatch> sent;
  };

  void on_readable();
  size_t receive();
  size_t answer(size_t count);
  void send(size_t count);

  Fd fd_;
  Responder& responder_;
  std::unique_ptr<Buffers> buffers_;
  event::IoWatch watch_;
};

/// A bound UDP socket.
Result<Fd> bind_udp(const net::Endpoint& at);

}  // namespace umaya::named
