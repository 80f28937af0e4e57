#include "named-lite/query/tcp_questions.h"

#include "named-lite/query/local_address.h"

namespace umaya::named {

namespace {

using namespace std::chrono_literals;

constexpr size_t kMostEnding = 256;  // connections that were told to end, on top of tcp-clients
constexpr Duration kStalled = 10s;
constexpr size_t kMostUnsent = 128 * 1024;

size_t be16(std::string_view octets) {
  return static_cast<size_t>(static_cast<unsigned char>(octets[0])) << 8 | static_cast<unsigned char>(octets[1]);
}

void write_message(event::Stream& client, std::string_view message) {
  char length[2] = {static_cast<char>(message.size() >> 8), static_cast<char>(message.size())};
  client.write({length, 2});
  client.write(message);
}

}  // namespace

TcpQuestions::TcpQuestions(Fd fd, const net::IpAddress& local, Questions& questions, TcpClients& clients,
                           Elsewhere elsewhere)
    : local_(local),
      questions_(questions),
      clients_(clients),
      elsewhere_(std::move(elsewhere)),
      answer_(std::make_unique_for_overwrite<char[]>(kMostAnswer)),
      listener_(std::move(fd),
                [this](Fd client, const event::PeerAddress& peer) { accepted(std::move(client), peer); }) {}

void TcpQuestions::accepted(Fd fd, const event::PeerAddress& peer) {
  clients_.set_most(questions_.conf().tcp_clients);
  sessions_.spawn(serve(std::move(fd), peer));
  if (sessions_.size() >= questions_.conf().tcp_clients + kMostEnding) listener_.pause();
}

event::Task<void> TcpQuestions::serve(Fd fd, event::PeerAddress peer) {
  const net::IpAddress local = local_.is_unspecified() ? local_address(fd.get()) : local_;
  auto state = std::make_shared<Session>(std::move(fd), peer, local);
  co_await session(state);
  listener_.resume();
}

TcpQuestions::Next TcpQuestions::answer(const SessionPtr& session, std::string_view question) {
  Response reply = questions_.respond(question, reinterpret_cast<const sockaddr*>(&session->peer.storage),
                                      session->local, Transport::tcp, {answer_.get(), kMostAnswer});
  if (reply.verdict == Verdict::ask_zone) return Next::give_away;
  session->keeps_alive |= reply.keeps_alive;
  if (reply.verdict == Verdict::ask_recursion) {
    recurse(session, question, reply.place);
    return Next::go_on;
  }
  if (reply.size == 0) return Next::end;
  write_message(session->client, {answer_.get(), reply.size});
  return Next::go_on;
}

void TcpQuestions::recurse(const SessionPtr& session, std::string_view question, const RecursivePlace& place) {
  ++session->waiting;
  auto answered = [this, known = std::weak_ptr<Session>(session)](std::string_view answer) {
    SessionPtr asker = known.lock();
    if (!asker) return;
    --asker->waiting;
    if (!answer.empty()) write_message(asker->client, answer);
    sessions_.spawn(flush_late(asker));
    asker->answered.set();
  };
  questions_.ask_others(question, place, reinterpret_cast<const sockaddr*>(&session->peer.storage),
                        std::move(answered));
}

event::Task<bool> TcpQuestions::flush(SessionPtr session) {
  bool turn = co_await session->sender.acquire();
  (void)turn;
  session->client.set_timeout(kStalled);
  auto sent = co_await session->client.flush();
  session->sender.release();
  co_return sent.has_value();
}

event::Task<void> TcpQuestions::flush_late(SessionPtr session) {
  bool sent = co_await flush(session);
  if (!sent && session->client.fd() >= 0) ::shutdown(session->client.fd(), SHUT_RDWR);  // ends who reads
}

event::Task<void> TcpQuestions::until_waiting_at_most(SessionPtr session, size_t most) {
  while (session->waiting > most) {
    session->answered.reset();
    co_await session->answered.wait();
  }
}

event::Task<void> TcpQuestions::session(SessionPtr session) {
  event::Stream& client = session->client;
  auto address = net::IpAddress::from_sockaddr(reinterpret_cast<const sockaddr*>(&session->peer.storage));
  TcpClients::Place place(clients_, client.fd(), address ? *address : net::IpAddress());
  Duration patience = questions_.conf().tcp_initial_timeout;
  while (true) {
    client.set_timeout(patience);
    event::Read length = co_await client.read_exactly(2);
    if (!length) break;
    std::string arrived(length.data);
    if (be16(arrived) == 0) break;
    event::Read question = co_await client.read_exactly(be16(arrived));
    if (!question) break;
    place.used();
    Next next = answer(session, question.data);
    if (next == Next::end) break;
    if (next == Next::give_away) arrived += question.data;
    if (next == Next::give_away) co_await until_waiting_at_most(session, 0);
    co_await until_waiting_at_most(session, kMostWaiting);
    const ServerAnswerConf& conf = questions_.conf();
    patience = session->keeps_alive ? conf.tcp_keepalive_timeout : conf.tcp_idle_timeout;
    std::string_view more = client.buffered();
    bool next_is_here = more.size() >= 2 && more.size() >= 2 + be16(more);
    if (next == Next::go_on && next_is_here && client.unsent() < kMostUnsent) continue;
    bool sent = co_await flush(session);
    if (!sent) break;
    if (next != Next::give_away) continue;
    arrived += client.buffered();
    elsewhere_(client.release(), session->peer, std::move(arrived));
    co_return;
  }
  co_await until_waiting_at_most(session, 0);
  bool sent = co_await flush(session);
  (void)sent;
}

}  // namespace umaya::named
