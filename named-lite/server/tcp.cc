#include "named-lite/server/tcp.h"

#include "named-lite/dns/wire.h"
#include "named-lite/logging/category.h"
#include "named-lite/server/update_service.h"

namespace umaya::named {

namespace {

using namespace std::chrono_literals;

using log = Logged<Category::xfer_out>;
constexpr Duration kIdle = 30s;
constexpr Duration kStalled = 10s;
constexpr Duration kStalledTransfer = 60s;
constexpr size_t kTransferMessage = 16 * 1024;  // names are compressed in the first 16 KiB of a message only
constexpr size_t kMostUnsent = 128 * 1024;

size_t be16(std::string_view octets) {
  return be16_at(octets, 0);
}

/// The end of a connection that is ours.
net::IpAddress local_address(int fd) {
  sockaddr_storage storage{};
  socklen_t size = sizeof storage;
  auto* address = reinterpret_cast<sockaddr*>(&storage);
  if (getsockname(fd, address, &size) != 0) return {};
  auto local = net::IpAddress::from_sockaddr(address);
  return local ? local->unmapped() : net::IpAddress();
}

}  // namespace

TcpServer::TcpServer(Responder& responder, event::WorkerPool& pool)
    : responder_(responder), pool_(pool), answer_(std::make_unique_for_overwrite<char[]>(kMostAnswer)) {}

void TcpServer::adopt(Fd fd, const event::PeerAddress& peer, std::string arrived) {
  if (sessions_.size() >= kMostClients) return;
  sessions_.spawn(session(std::move(fd), peer, std::move(arrived)));
}

bool TcpServer::answer(event::Stream& client, std::string_view question, const Ends& ends) {
  size_t size = responder_.respond(question, ends.client(), Transport::tcp, {answer_.get(), kMostAnswer}, ends.local);
  if (size == 0) return false;
  char length[2] = {static_cast<char>(size >> 8), static_cast<char>(size)};
  client.write({length, 2});
  client.write({answer_.get(), size});
  return true;
}

event::Task<void> TcpServer::answer_update(event::Stream& client, std::string packet, const Ends& ends) {
  auto address = net::IpAddress::from_sockaddr(ends.client());
  if (!address) co_return;
  responder_.count(Transport::tcp);
  Requester sender{address->unmapped(), nullptr, ends.local};
  std::string answer = co_await responder_.updates()->answer(std::move(packet), sender, Transport::tcp);
  if (answer.empty()) co_return;
  char length[2] = {static_cast<char>(answer.size() >> 8), static_cast<char>(answer.size())};
  client.write({length, 2});
  client.write(answer);
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
  client.set_timeout(kStalledTransfer);
  size_t messages = 0;
  while (!transfer.done()) {
    // A record that does not fit an ordinary message gets one for itself.
    size_t size = transfer.next({answer_.get(), kTransferMessage});
    if (size == 0) size = transfer.next({answer_.get(), kMostAnswer});
    if (size == 0) {
      log::error("{}: a record is too large for a message", transfer.label());
      responder_.add(Count::transfers_out_failed);
      co_return false;
    }
    char length[2] = {static_cast<char>(size >> 8), static_cast<char>(size)};
    client.write({length, 2});
    client.write({answer_.get(), size});
    ++messages;
    if (client.unsent() < kMostUnsent && !transfer.done()) continue;
    auto sent = co_await client.flush();
    if (!sent) {
      log::warning("{}: the client went away", transfer.label());
      responder_.add(Count::transfers_out_failed);
      co_return false;
    }
  }
  log::info("{}: ended: {} messages, {} records{}", transfer.label(), messages, transfer.records(),
            transfer.is_incremental() ? ", incremental" : "");
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
    if (responder_.updates() != nullptr && is_update(question.data)) {
      std::string packet(question.data);
      co_await answer_update(client, std::move(packet), ends);
    } else if (!answer(client, question.data, ends)) {
      break;
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
