#include "named-lite/query/query_server.h"

#include "libcommon/log/divert.h"
#include "named-lite/query/requests.h"

namespace umaya::named {

QueryServer::QueryServer(Hooks hooks, const CookieSecret& cookies)
    : hooks_(std::move(hooks)),
      questions_(cookies, recursion_),
      log_([this](std::string message) { return zone_ && zone_->post(std::move(message)); }),
      query_log_([this](LogRecord record) { log_.add(std::move(record)); }) {}

QueryServer::~QueryServer() = default;

void QueryServer::listen(ListenSockets sockets) {
  if (!questions_.ready()) return closed_.push_back(std::move(sockets));
  open(std::move(sockets));
}

void QueryServer::open(ListenSockets sockets) {
  auto hand_on_packet = [this](UdpServer& socket, const Response& reply, std::string_view packet,
                               const UdpClient& client) {
    if (reply.verdict == Verdict::ask_recursion) return recurse(socket, reply, packet, client);
    hand_on(socket, packet, client);
  };
  auto hand_on_connection = [this](Fd fd, const event::PeerAddress& client, std::string arrived) {
    give_away(std::move(fd), client, std::move(arrived));
  };
  const net::IpAddress& local = sockets.at.address;
  Listening listening;
  listening.at = sockets.at;
  listening.udp = std::make_shared<UdpServer>(std::move(sockets.udp), local, questions_, hand_on_packet);
  listening.tcp =
      std::make_unique<TcpQuestions>(std::move(sockets.tcp), local, questions_, clients_, hand_on_connection);
  listening_.push_back(std::move(listening));
}

void QueryServer::close(const net::Endpoint& at) {
  std::erase_if(closed_, [&](const ListenSockets& each) { return each.at == at; });
  std::erase_if(listening_, [&](const Listening& each) { return each.at == at; });
}

void QueryServer::connect_zone(Fd fd) {
  receiver_ = FeedReceiver();  // a new process counts its files anew
  log_.restart();
  zone_ = std::make_unique<Link>(
      std::move(fd), [this](ipc::Packet packet) { from_zone(std::move(packet)); }, [this] { zone_.reset(); });
}

void QueryServer::from_zone(ipc::Packet packet) {
  if (packet.is<LogTaken>()) return log_.taken();
  if (packet.is<LogOrders>()) {
    auto orders = ipc::decode<LogOrders>(packet.bytes);
    return orders ? obey(*orders) : void();
  }
  if (!packet.is<PacketAnswer>()) return take_feed(std::move(packet));
  auto answer = ipc::decode<PacketAnswer>(packet.bytes);
  if (!answer) return;
  auto waiter = pending_.take(answer->ticket);
  auto socket = waiter ? waiter->socket.lock() : nullptr;
  if (socket && !answer->packet.empty()) socket->send_one(answer->packet, waiter->client);
}

void QueryServer::obey(const LogOrders& orders) {
  orders_ = orders;
  log::set_verbosity(static_cast<int>(orders.debug));
  query_log_.obey(orders);
  questions_.tell(query_log_.active() ? &query_log_ : nullptr);
}

bool QueryServer::take_line(log::Level level, std::string_view text) {
  if (!orders_.forward || !zone_ || level >= log::Level::fatal) return false;
  log_.add({current_category(), level, log_time(), std::string(text)});
  return true;
}

void QueryServer::take_feed(ipc::Packet packet) {
  auto exchanged = receiver_.take(packet.bytes, std::move(packet.fds));
  if (!exchanged) {
    log::error("the zone process sent what it must not: {}; what was served before is served on",
               exchanged.error().what);
    zone_->close();
    return hooks_.trouble();
  }
  if (!*exchanged) return;
  bool first = !questions_.ready();
  questions_.replace(receiver_.snapshot());
  recursion_.configure(receiver_.config_mark(), receiver_.snapshot()->conf.recursion.recursive_clients);
  FeedDone done;
  done.number = receiver_.number();
  zone_->post(ipc::encode(done));
  if (!first) return;
  for (ListenSockets& sockets : closed_) open(std::move(sockets));
  closed_.clear();
  hooks_.ready();
}

void QueryServer::recurse(UdpServer& socket, const Response& reply, std::string_view packet, const UdpClient& client) {
  auto answered = [known = socket.weak_from_this(), client](std::string_view answer) {
    auto open = known.lock();
    if (open && !answer.empty()) open->send_one(answer, client);
  };
  questions_.ask_others(packet, reply.place, reinterpret_cast<const sockaddr*>(&client.peer.storage),
                        std::move(answered));
}

void QueryServer::hand_on(UdpServer& socket, std::string_view packet, const UdpClient& client) {
  if (!zone_) return;  // the client asks again
  pending_.expire([](Waiter) {});
  auto ticket = pending_.add({socket.weak_from_this(), client});
  if (!ticket) return;
  PacketRequest request;
  request.ticket = *ticket;
  request.client = pack_address(client.peer);
  request.local = client.local.address.bytes();
  request.packet = packet;
  if (!zone_->post(ipc::encode(request))) pending_.take(*ticket);
}

void QueryServer::give_away(Fd fd, const event::PeerAddress& client, std::string arrived) {
  if (!zone_) return;
  ConnectionRequest request;
  request.client = pack_address(client);
  request.arrived = std::move(arrived);
  std::string message = ipc::encode(request);
  if (message.size() > ipc::kMaxMessage) return;
  zone_->post(std::move(message), std::move(fd));
}

}  // namespace umaya::named
