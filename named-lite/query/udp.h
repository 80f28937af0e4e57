// NAME    udp - questions over UDP, in batches
//
// DESCRIPTION
//     Takes up to kBatch datagrams with one recvmmsg, answers them, and sends the answers with one sendmmsg. What the
//     kernel does not take is dropped, as a network would. Answers are never fragmented (RFC 9715). What another
//     process has to answer goes to `elsewhere`, and its answer comes back by send_one(). A busy socket is looked at by
//     the clock (pace.h). One that is bound to all addresses answers from the one that was asked (packet_info.h).
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <functional>
#include <memory>

#include "libcommon/base/fd.h"
#include "libcommon/event/listener.h"
#include "libcommon/event/loop.h"
#include "named-lite/query/pace.h"
#include "named-lite/query/packet_info.h"
#include "named-lite/query/questions.h"

namespace umaya::named {

/// Who asked, and where.
struct UdpClient {
  event::PeerAddress peer;
  LocalEnd local;
};

class UdpServer : public std::enable_shared_from_this<UdpServer> {
 public:
  /// Takes a packet that this process does not answer itself.
  using Elsewhere = std::function<void(UdpServer&, const Response&, std::string_view packet, const UdpClient& client)>;

  /// The socket is bound to local; questions outlive this object.
  UdpServer(Fd fd, const net::IpAddress& local, Questions& questions, Elsewhere elsewhere);
  /// Sends an answer that came from elsewhere.
  void send_one(std::string_view answer, const UdpClient& client);

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
  /// Of a socket that is bound to all addresses.
  struct Infos {
    std::array<PacketInfo, kBatch> received;
    std::array<PacketInfo, kBatch> sent;
  };

  void look();
  size_t take_what_is_there();
  size_t receive();
  void prefetch(size_t count) const;
  LocalEnd local_of(size_t number) const;
  size_t answer(size_t count);
  void send(size_t count);

  Fd fd_;
  net::IpAddress local_;
  Questions& questions_;
  Elsewhere elsewhere_;
  std::unique_ptr<Buffers> buffers_;
  std::unique_ptr<Infos> infos_;  // null: it is bound to one address
  event::IoWatch watch_;
  event::Timer tick_;
  Pace pace_;
  bool watched_ = true;
};

}  // namespace umaya::named
