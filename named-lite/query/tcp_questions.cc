#include "named-lite/query/tcp_questions.h"

namespace umaya::named {

namespace {

using namespace std::chrono_literals;

constexpr Duration kIdle = 30s;
constexpr Duration kStalled = 10s;
constexpr size_t kMostUnsent = 128 * 1024;

size_t be16(std::string_view octets) {
  return static_cast<size_t>(static_cast<unsigned char>(octets[0])) << 8 | static_cast<unsigned char>(octets[1]);
}

}  // namespace

TcpQuestions::TcpQuestions(Fd fd, Questions& questions, Elsewhere elsewhere)
    : questions_(questions),
      elsewhere_(std::move(elsewhere)),
      answer_(std::make_unique_for_overwrite<char[]>(kMostAnswer)),
      listener_(std::move(fd),
                [this](Fd client, const event::PeerAddress& peer) { accepted(std::move(client), peer); }) {}

void TcpQuestions::accepted(Fd fd, const event::PeerAddress& peer) {
  sessions_.spawn(serve(std::move(fd), peer));
  if (sessions_.size() >= kMostClients) listener_.pause();
}

event::Task<void> TcpQuestions::serve(Fd fd, event::PeerAddress peer) {
  co_await session(std::move(fd), peer);
  listener_.resume();
}

TcpQuestions::Next TcpQuestions::answer(event::Stream& client, std::string_view question,
                                        const event::PeerAddress& peer) {
  Reply reply = questions_.respond(question, reinterpret_cast<const sockaddr*>(&peer.storage), Transport::tcp,
                                   {answer_.get(), kMostAnswer});
  if (reply.verdict == Verdict::ask_zone) return Next::give_away;
  if (reply.size == 0) return Next::end;
  char length[2] = {static_cast<char>(reply.size >> 8), static_cast<char>(reply.size)};
  client.write({length, 2});
  client.write({answer_.get(), reply.size});
  return Next::go_on;
}

event::Task<void> TcpQuestions::session(Fd fd, event::PeerAddress peer) {
  event::Stream client(std::move(fd));
  while (true) {
    client.set_timeout(kIdle);
    event::Read length = co_await client.read_exactly(2);
    if (!length) break;
    std::string arrived(length.data);
    event::Read question = co_await client.read_exactly(be16(arrived));
    if (!question) break;
    Next next = answer(client, question.data, peer);
    if (next == Next::end) break;
    if (next == Next::give_away) arrived += question.data;
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
}

}  // namespace umaya::named
