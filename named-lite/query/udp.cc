#include "named-lite/query/udp.h"

#include <cstring>

#include "libcommon/base/clock.h"

namespace umaya::named {

namespace {

constexpr int kRoundsAtOnce = 16;

uint16_t port_of(const sockaddr_storage& address) {
  if (address.ss_family == AF_INET) return ntohs(reinterpret_cast<const sockaddr_in&>(address).sin_port);
  return ntohs(reinterpret_cast<const sockaddr_in6&>(address).sin6_port);
}

/// Services that send back what they get, or something (RFC 862 to 868): an answer to them can go round for ever.
bool is_reflector(uint16_t port) {
  return port == 0 || port == 7 || port == 13 || port == 17 || port == 19 || port == 37;
}

}  // namespace

UdpServer::UdpServer(Fd fd, const net::IpAddress& local, Questions& questions, Elsewhere elsewhere)
    : fd_(std::move(fd)),
      local_(local),
      questions_(questions),
      elsewhere_(std::move(elsewhere)),
      buffers_(std::make_unique<Buffers>()),
      infos_(local.is_unspecified() ? std::make_unique<Infos>() : nullptr),
      watch_(fd_.get(), event::Readiness::read, [this] { look(); }),
      tick_([this] { look(); }) {
  Buffers& b = *buffers_;
  for (size_t i = 0; i < kBatch; ++i) {
    b.question_pieces[i] = {b.questions[i].data(), kMostQuestion};
    b.answer_pieces[i] = {b.answers[i].data(), 0};
    b.received[i] = {};
    b.received[i].msg_hdr.msg_name = &b.clients[i];
    b.received[i].msg_hdr.msg_iov = &b.question_pieces[i];
    b.received[i].msg_hdr.msg_iovlen = 1;
    b.sent[i] = {};
  }
}

size_t UdpServer::receive() {
  Buffers& b = *buffers_;
  for (auto& each : b.received) each.msg_hdr.msg_namelen = sizeof(sockaddr_storage);
  for (size_t i = 0; infos_ && i < kBatch; ++i) infos_->received[i].prepare(b.received[i].msg_hdr);
  int count = recvmmsg(fd_.get(), b.received.data(), kBatch, MSG_DONTWAIT, nullptr);
  return count > 0 ? static_cast<size_t>(count) : 0;
}

void UdpServer::prefetch(size_t count) const {
  constexpr size_t kWorthwhile = 3;
  if (count < kWorthwhile) return;
  std::array<std::string_view, kBatch> packets;
  for (size_t i = 0; i < count; ++i) packets[i] = {buffers_->questions[i].data(), buffers_->received[i].msg_len};
  questions_.prefetch(std::span(packets).first(count));
}

/// The address that a datagram of the batch was sent to.
LocalEnd UdpServer::local_of(size_t number) const {
  if (!infos_) return {local_, 0};
  return local_end_of(buffers_->received[number].msg_hdr);
}

size_t UdpServer::answer(size_t count) {
  Buffers& b = *buffers_;
  size_t answers = 0;
  prefetch(count);
  for (size_t i = 0; i < count; ++i) {
    if ((b.received[i].msg_hdr.msg_flags & MSG_TRUNC) != 0 || is_reflector(port_of(b.clients[i]))) continue;
    std::string_view question(b.questions[i].data(), b.received[i].msg_len);
    const LocalEnd local = local_of(i);
    Response reply = questions_.respond(question, reinterpret_cast<const sockaddr*>(&b.clients[i]), local.address,
                                        Transport::udp, b.answers[answers]);
    if (reply.verdict == Verdict::ask_zone || reply.verdict == Verdict::ask_recursion) {
      elsewhere_(*this, reply, question, {{b.clients[i], b.received[i].msg_hdr.msg_namelen}, local});
    }
    if (reply.verdict != Verdict::answered || reply.size == 0) continue;
    b.answer_pieces[answers].iov_len = reply.size;
    msghdr& head = b.sent[answers].msg_hdr;
    head.msg_name = &b.clients[i];
    head.msg_namelen = b.received[i].msg_hdr.msg_namelen;
    head.msg_iov = &b.answer_pieces[answers];
    head.msg_iovlen = 1;
    if (infos_) infos_->sent[answers].set(head, local);
    ++answers;
  }
  return answers;
}

void UdpServer::send(size_t count) {
  for (size_t done = 0; done < count;) {
    int sent = sendmmsg(fd_.get(), buffers_->sent.data() + done, static_cast<unsigned>(count - done), MSG_DONTWAIT);
    if (sent < 0 && (errno == EAGAIN || errno == ENOBUFS)) return;
    // An answer that this host may not send (unreachable, refused by a filter) does not hold up the rest.
    done += sent > 0 ? static_cast<size_t>(sent) : 1;
  }
}

void UdpServer::send_one(std::string_view answer, const UdpClient& client) {
  iovec piece{const_cast<char*>(answer.data()), answer.size()};
  msghdr head{};
  head.msg_name = const_cast<sockaddr_storage*>(&client.peer.storage);
  head.msg_namelen = client.peer.size;
  head.msg_iov = &piece;
  head.msg_iovlen = 1;
  PacketInfo info;
  if (infos_) info.set(head, client.local);
  (void)sendmsg(fd_.get(), &head, MSG_DONTWAIT);
}

size_t UdpServer::take_what_is_there() {
  size_t total = 0;
  for (int round = 0; round < kRoundsAtOnce; ++round) {
    TimePoint start = monotonic_now();
    size_t count = receive();
    send(answer(count));
    if (count > 0 && questions_.page() != nullptr) {
      auto took = std::chrono::duration_cast<std::chrono::microseconds>(monotonic_now() - start);
      questions_.page()->add_latency(took, count);
    }
    total += count;
    if (count < kBatch) break;
  }
  return total;
}

void UdpServer::look() {
  TimePoint began = monotonic_now();
  bool paced = pace_.note(began, take_what_is_there());
  if (paced) tick_.arm(Pace::kTick);  // counted from the begin of the loop's round
  if (paced != watched_) return;
  watched_ = !paced;
  // While it is not watched, the kernel need not tell us of each datagram that comes or has gone.
  paced ? watch_.disable() : watch_.enable();
}

}  // namespace umaya::named
