// NAME    channel - messages and descriptors between two processes
//
// SYNOPSIS
//     UMAYA_CO_TRY(Channel channel, Channel::connect(queue_directory + "/public/cleanup"));
//     UMAYA_CO_TRY(auto outcome, co_await channel.call<Outcome>(submission));
//
// DESCRIPTION
//     A SOCK_SEQPACKET Unix socket: one message is one packet, with up to kMaxDescriptors descriptors attached.
//     A message with a wrong mark or wrong size ends the conversation (the caller closes), never the process.
//     ChannelPool keeps connections open between uses.
//
// OWNERSHIP
//     A Channel outlives the operations that wait on it. One receiver and one sender at a time.
//
// ERRORS
//     A closed peer is ECONNRESET, silence ETIMEDOUT.
//
// LIMITS
//     kMaxMessage bytes a message.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "libcommon/base/fd.h"
#include "libcommon/event/loop.h"
#include "libcommon/event/task.h"
#include "libcommon/ipc/codec.h"

namespace umaya::ipc {

using event::Task;

inline constexpr size_t kMaxMessage = 128 * 1024;
inline constexpr size_t kMaxDescriptors = 4;

struct Packet {
  std::string bytes;
  std::vector<Fd> fds;
  template <class T>
  bool is() const {
    return mark_in(bytes) == mark_of<T>();
  }
};

class Channel {
 public:
  explicit Channel(Fd fd);
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;
  /// Connects to a service's socket; does not wait.
  static Result<std::unique_ptr<Channel>> connect(const std::string& path);

  class Receiver;
  /// co_await: the next message as it came, Result<Packet>.
  Receiver receive_packet(Duration limit = event::kForever);
  /// Sends; waits only while the peer's queue is full.
  Task<Result<void>> send_packet(std::string bytes, std::vector<int> fds = {}, Duration limit = event::kForever);
  /// Sends without waiting: EAGAIN when the peer's queue is full.
  Result<void> send_now(std::string_view bytes, std::span<const int> fds = {});
  /// The next message, which must be a T. Descriptors, if any, go to fds.
  template <class T>
  Task<Result<T>> receive(Duration limit = event::kForever, std::vector<Fd>* fds = nullptr);
  template <class T>
  Task<Result<void>> send(T message, std::vector<int> fds = {}, Duration limit = event::kForever) {
    return send_packet(encode(message), std::move(fds), limit);
  }
  /// Sends a request and waits for its reply.
  template <class Reply, class Request>
  Task<Result<Reply>> call(Request request, std::vector<int> fds = {}, Duration limit = event::kForever);

  /// The peer has closed, or sent something that nobody waits for.
  bool stale() const;
  /// Whether the peer has taken all packets that were sent out of its socket.
  bool all_read() const;
  /// Whether the peer ended with packets of ours unread. Known when a receive has failed.
  bool cut_off() const { return cut_off_; }
  int fd() const { return fd_.get(); }

 private:
  bool try_receive(Result<Packet>& into);
  void on_readable();
  Fd fd_;
  std::coroutine_handle<> reader_;
  Result<Packet>* target_ = nullptr;
  bool readable_ = true;
  bool cut_off_ = false;
  event::IoWatch watch_;
  std::unique_ptr<event::Timer> timer_;
};

class Channel::Receiver {
 public:
  Receiver(Channel& channel, Duration limit) : channel_(channel), limit_(limit) {}
  Receiver(const Receiver&) = delete;
  Receiver& operator=(const Receiver&) = delete;
  ~Receiver();
  bool await_ready() { return channel_.try_receive(result_); }
  void await_suspend(std::coroutine_handle<> reader);
  Result<Packet> await_resume();

 private:
  Channel& channel_;
  Duration limit_;
  bool waiting_ = false;
  Result<Packet> result_;
};

inline Channel::Receiver Channel::receive_packet(Duration limit) {
  return {*this, limit};
}

template <class T>
Task<Result<T>> Channel::receive(Duration limit, std::vector<Fd>* fds) {
  Result<Packet> packet = co_await receive_packet(limit);
  if (!packet) co_return std::unexpected(packet.error());
  if (fds) *fds = std::move(packet->fds);
  co_return decode<T>(packet->bytes);
}

template <class Reply, class Request>
Task<Result<Reply>> Channel::call(Request request, std::vector<int> fds, Duration limit) {
  Result<void> sent = co_await send_packet(encode(request), std::move(fds), limit);
  if (!sent) co_return std::unexpected(sent.error());
  co_return co_await receive<Reply>(limit);
}

/// Open connections to one service. A leased channel comes back on destruction, unless it was dropped.
class ChannelPool {
 public:
  explicit ChannelPool(std::string path, size_t keep = 32) : path_(std::move(path)), keep_(keep) {}
  class Lease {
   public:
    Lease(ChannelPool& pool, std::unique_ptr<Channel> channel) : pool_(&pool), channel_(std::move(channel)) {}
    Lease(Lease&&) = default;
    Lease& operator=(Lease&&) = delete;
    ~Lease();
    Channel* operator->() { return channel_.get(); }
    Channel& operator*() { return *channel_; }
    /// The conversation is not at its end: close instead of keeping.
    void drop() { channel_.reset(); }

   private:
    ChannelPool* pool_;
    std::unique_ptr<Channel> channel_;
  };
  /// An idle connection or a new one; an error when the service is not there.
  Result<Lease> lease();
  size_t idle() const { return idle_.size(); }

 private:
  std::string path_;
  size_t keep_;
  std::vector<std::unique_ptr<Channel>> idle_;
};

}  // namespace umaya::ipc
