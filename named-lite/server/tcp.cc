#include "named-lite/server/tcp.h"

#include <sys/socket.h>

#include "libcommon/base/clock.h"
#include "named-lite/dns/wire.h"
#include "named-lite/logging/category.h"
#include "named-lite/query/local_address.h"
#include "named-lite/server/update_service.h"

namespace umaya::named {

namespace {

using namespace std::chrono_literals;

using log = Logged<Category::xfer_out>;
constexpr Duration kIdle = 30s;
constexpr Duration kStalled = 10s;
constexpr size_t kMostUnsent = 128 * 1024;

size_t be16(std::string_view octets) {
  return be16_at(octets, 0);
}

void write_message(event::Stream& client, std::string_view message) {
  char length[2] = {static_cast<char>(message.size() >> 8), static_cast<char>(message.size())};
  client.write({length, 2});
  client.write(message);
}

/// What the kernel has not sent goes with the connection: who reads nothing must not hold its memory any longer.
void forget_unsent(int fd) {
  linger at_once{1, 0};
  (void)::setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

}  // namespace

TcpServer::TcpServer(Responder& responder, LateAnswers& late, event::WorkerPool& pool)
    : responder_(responder), late_(late), pool_(pool), answer_(std::make_unique_for_overwrite<char[]>(kMostAnswer)) {}

void TcpServer::adopt(Fd fd, const event::PeerAddress& peer, std::string arrived) {
  if (sessions_.size() >= kMostClients) return;
  sessions_.spawn(session(std::move(fd), peer, std::move(arrived)));
}

/// False when there is no answer.
event::Task<bool> TcpServer::answer(event::Stream& client, std::string question, const Ends& ends) {
  std::optional<RecursiveOrder> later;
  size_t size =
      responder_.respond(question, ends.client(), Transport::tcp, {answer_.get(), kMostAnswer}, ends.local, &later);
  if (!later) {
    if (size > 0) write_message(client, {answer_.get(), size});
    co_return size > 0;
  }
  struct Waiting {
    std::string answer;
    event::Event arrived;
  };
  auto waiting = std::make_shared<Waiting>();  // shared: the client may be gone when the answer comes
  late_.ask(question, std::move(*later), [waiting](std::string_view answer) {
    waiting->answer = answer;
    waiting->arrived.set();
  });
  bool arrived = co_await waiting->arrived.wait();
  (void)arrived;
  if (!waiting->answer.empty()) write_message(client, waiting->answer);
  co_return !waiting->answer.empty();
}

event::Task<void> TcpServer::answer_update(event::Stream& client, std::string packet, const Ends& ends) {
  auto address = net::IpAddress::from_sockaddr(ends.client());
  if (!address) co_return;
  responder_.count(Transport::tcp);
  Requester sender{address->unmapped(), nullptr, ends.local};
  std::string answer = co_await responder_.updates()->answer(std::move(packet), sender, Transport::tcp);
  if (!answer.empty()) write_message(client, answer);
}

/// Only who may have the zone comes here: nobody else takes a place (D19).
event::Task<bool> TcpServer::carry_out(event::Stream& client, TransferOrder order) {
  struct Counted {
    unsigned& count;
    explicit Counted(unsigned& c) : count(c) { ++count; }
    ~Counted() { --count; }
  } place(transfers_);
  responder_.count_transfer(order);
  // Shared: the thread that reads the journal may outlive this task.
  auto shared = std::make_shared<TransferOrder>(std::move(order));
  auto work = [shared] { return Transfer::begin(std::move(*shared)); };
  Transfer transfer = co_await pool_.run(std::move(work));
  if (transfer.is_incremental()) responder_.count_incremental();
  co_return co_await send_zone(client, std::move(transfer));
}

/// False when the connection is of no use any more.
event::Task<bool> TcpServer::send_zone(event::Stream& client, Transfer transfer) {
  log::info("{}: started", transfer.label());
  client.set_timeout(transfer.most_idle());
  client.set_deadline(monotonic_now() + transfer.most_time());
  const size_t message_size = responder_.snapshot()->conf.transfers.message_size;
  size_t messages = 0;
  while (!transfer.done()) {
    // A record that does not fit an ordinary message gets one for itself.
    size_t size = transfer.next({answer_.get(), message_size});
    if (size == 0) size = transfer.next({answer_.get(), kMostAnswer});
    if (size == 0) {
      log::error("{}: a record is too large for a message", transfer.label());
      responder_.add(Count::transfers_out_failed);
      co_return false;
    }
    write_message(client, {answer_.get(), size});
    ++messages;
    if (client.unsent() < kMostUnsent && !transfer.done()) continue;
    auto sent = co_await client.flush();
    if (!sent) {
      bool late = sent.error().sys_errno == ETIMEDOUT;
      log::warning("{}: the client {}", transfer.label(), late ? "is too slow" : "went away");
      if (late) forget_unsent(client.fd());
      responder_.add(Count::transfers_out_failed);
      co_return false;
    }
  }
  log::info("{}: ended: {} messages, {} records{}", transfer.label(), messages, transfer.records(),
            transfer.is_incremental() ? ", incremental" : "");
  client.set_deadline(TimePoint::max());
  co_return true;
}

event::Task<void> TcpServer::session(Fd fd, event::PeerAddress peer, std::string arrived) {
  const Ends ends{peer, local_address(fd.get())};
  event::Stream client(std::move(fd));
  client.preload(arrived);
  arrived = {};
  while (true) {
    client.set_timeout(kIdle);
    event::Read length = co_await client.read_exactly(2);
    if (!length) break;
    size_t size = be16(length.data);
    event::Read question = co_await client.read_exactly(size);
    if (!question) break;
    auto order = responder_.transfer(question.data, ends.client(), Transport::tcp, ends.local);
    if (order && transfers_ < responder_.snapshot()->conf.transfers.transfers_out) {
      TransferOrder placed = std::move(*order);
      bool useful = co_await carry_out(client, std::move(placed));
      if (!useful) break;
      continue;
    }
    std::string packet(question.data);
    if (responder_.updates() != nullptr && is_update(packet)) {
      co_await answer_update(client, std::move(packet), ends);
    } else {
      bool answered = co_await answer(client, std::move(packet), ends);
      if (!answered) break;
    }
    std::string_view more = client.buffered();
    bool next_is_here = more.size() >= 2 && more.size() >= 2 + be16(more);
    if (next_is_here && client.unsent() < kMostUnsent) continue;
    client.set_timeout(kStalled);
    auto sent = co_await client.flush();
    if (!sent) break;
  }
}

}  // namespace umaya::named
