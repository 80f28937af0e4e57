// NAME    query_server - a process that answers questions
//
// SYNOPSIS
//     QueryServer server({.ready = …, .trouble = …});
//     server.connect_zone(std::move(fd));       // again when there is a new zone process
//     server.listen(std::move(sockets));
//     event::Loop::current().run();
//
// DESCRIPTION
//     Answers from the zones that the zone process sends (feed/receiver.h), and goes on with what it has while there is
//     no zone process. What no zone answers goes to the recursion process (recursive_client.h). The sockets are first
//     looked at when there are zones.
//
// LIMITS
//     kMostPending packets wait for the zone process, 10 s each.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "libcommon/event/loop.h"
#include "named-lite/feed/link.h"
#include "named-lite/feed/receiver.h"
#include "named-lite/logging/log_sender.h"
#include "named-lite/query/pending.h"
#include "named-lite/query/tcp_questions.h"
#include "named-lite/query/udp.h"
#include "named-lite/server/listen.h"

namespace umaya::named {

class QueryServer {
 public:
  static constexpr size_t kMostPending = 4096;
  struct Hooks {
    std::function<void()> ready;    ///< questions are answered from now on; called once
    std::function<void()> trouble;  ///< the zone process sent what it must not
  };

  /// cookies: secret that all query processes share.
  QueryServer(Hooks hooks, const CookieSecret& cookies);
  QueryServer(const QueryServer&) = delete;
  QueryServer& operator=(const QueryServer&) = delete;
  ~QueryServer();

  /// Counts there from now on; page outlives this.
  void count_in(PageNumbers& page) {
    questions_.count_in(page);
    clients_.count_in(page);
  }
  void listen(ListenSockets sockets);
  /// No longer listens there; connections that came in there end.
  void close(const net::Endpoint& at);
  void connect_recursion(Fd fd) { recursion_.connect(std::move(fd)); }
  void connect_zone(Fd fd);
  /// A line of this process: false when it is to go the way of all lines.
  bool take_line(log::Level level, std::string_view text);
  const Questions::Counters& counters() const { return questions_.counters(); }

 private:
  struct Waiter {
    std::weak_ptr<UdpServer> socket;  // gone when nobody listens there any more
    UdpClient client;
  };
  struct Listening {
    net::Endpoint at;
    std::shared_ptr<UdpServer> udp;  // shared: answers that come later may find it gone
    std::unique_ptr<TcpQuestions> tcp;
  };
  void open(ListenSockets sockets);
  void from_zone(ipc::Packet packet);
  void take_feed(ipc::Packet packet);
  void obey(const LogOrders& orders);
  void recurse(UdpServer& socket, const Response& reply, std::string_view packet, const UdpClient& client);
  void hand_on(UdpServer& socket, std::string_view packet, const UdpClient& client);
  void give_away(Fd fd, const event::PeerAddress& client, std::string arrived);

  Hooks hooks_;
  RecursiveClient recursion_;
  Questions questions_;
  FeedReceiver receiver_;
  std::vector<ListenSockets> closed_;  // until there are zones
  Pending<Waiter> pending_{kMostPending, std::chrono::seconds(10)};
  TcpClients clients_{150};
  std::vector<Listening> listening_;
  std::unique_ptr<Link> zone_;
  LogOrders orders_;
  LogSender log_;
  QueryLog query_log_;
};

}  // namespace umaya::named
