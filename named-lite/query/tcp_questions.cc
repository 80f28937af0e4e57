#include "named-lite/query/tcp_questions.h"

namespace umaya::named {

namespace {

using namespace std::chrono_literals;

constexpr size_t kMostEnding = 256;  // connections that were told to end, on top of tcp-clients
constexpr Duration kStalled = 10s;
constexpr size_t kMostUnsent = 128 * 1024;

size_t be16(std::string_view octets) {
  return static_cast<size_t>(static_cast<unsigned char>(octets[0])) << 8 | static_cast<unsigned char>(octets[1]);
}

}  // namespace

TcpQuestions::TcpQuestions(Fd fd, Questions& questions, TcpClients& clients, Elsewhere elsewhere)
    : questions_(questions),
      clients_(clients),
      elsewhere_(std::move(elsewhere)),
      answer_(std::make_unique_for_overwrite<char[]>(kMostAnswer)),
      listener_(std::move(fd),
                [this](Fd client, const event::PeerAddress& peer) { accepted(std::move(client), peer); }) {}

void TcpQuestions::accepted(Fd fd, const event::PeerAddress& peer) {
  clients_.set_most(questions_.conf().tcp_clients);
  sessions_.spawn(session(std::move(fd), peer));
  if (sessions_.size() >= questions_.conf().tcp_clients + kMostEnding) listener_.pause();
}

TcpQuestions::Next TcpQuestions::answer(event::Stream& client, std::string_view question,
                                        const event::PeerAddress& peer, bool& keeps_alive) {
  Reply reply = questions_.respond(question, reinterpret_cast<const sockaddr*>(&peer.storage), Transport::tcp,
                                   {answer_.get(), kMostAnswer});
  if (reply.verdict == Verdict::ask_zone) return Next::give_away;
  keeps_alive |= reply.keeps_alive;
  if (reply.size == 0) return Next::end;
  char length[2] = {static_cast<char>(reply.size >> 8), static_cast<char>(reply.size)};
  client.write({length, 2});
  client.write({answer_.get(), reply.size});
  return Next::go_on;
}

event::Task<void> TcpQuestions::session(Fd fd, event::PeerAddress peer) {
  auto address = net::IpAddress::from_sockaddr(reinterpret_cast<const sockaddr*>(&peer.storage));
  TcpClients::Place place(clients_, fd.get(), address ? *address : net::IpAddress());
  event::Stream client(std::move(fd));
  Duration patience = questions_.conf().tcp_initial_timeout;
  bool keeps_alive = false;
  while (true) {
    client.set_timeout(patience);
    event::Read length = co_await client.read_exactly(2);
    if (!length) break;
    std::string arrived(length.data);
    if (be16(arrived) == 0) break;
    event::Read question = co_await client.read_exactly(be16(arrived));
    if (!question) break;
    place.used();
    Next next = answer(client, question.data, peer, keeps_alive);
    if (next == Next::end) break;
    if (next == Next::give_away) arrived += question.data;
    const ServerAnswerConf& conf = questions_.conf();
    patience = keeps_alive ? conf.tcp_keepalive_timeout : conf.tcp_idle_timeout;
    std::string_view more = client.buffered();
    bool next_is_here = more.size() >= 2 && more.size() >= 2 + be16(more);
    if (next == Next::go_on && next_is_here && client.unsent() < kMostUnsent) continue;
    client.set_timeout(kStalled);
    auto sent = co_await client.flush();
    if (!sent) break;
    if (next != Next::give_away) continue;
    arrived += client.buffered();
    elsewhere_(client.release(), peer, std::move(arrived));
    break;
  }
  listener_.resume();
}

}  // namespace umaya::named
