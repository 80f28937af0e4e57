// NAME    link - one end of a pair of sockets between two processes of named-lite
//
// SYNOPSIS
//     Link link(std::move(fd), [](ipc::Packet packet) { … }, [] { … the other end is gone … });
//     link.post(ipc::encode(message));                       // what may be lost when the other does not read
//     co_await link.send(ipc::encode(message), {fd});        // waits until it is on its way
//
// DESCRIPTION
//     Messages go out in the order of post() and send(). What comes in is given to the callback one by one, on the
//     loop. `ended` is called once, deferred; it may destroy the link.
//
// LIMITS
//     post() refuses when kMostWaiting messages wait.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "libcommon/event/sync.h"
#include "libcommon/ipc/channel.h"

namespace umaya::named {

class Link {
 public:
  static constexpr size_t kMostWaiting = 4096;
  using Received = std::function<void(ipc::Packet)>;
  using Ended = std::function<void()>;

  Link(Fd fd, Received received, Ended ended);
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;
  ~Link();

  /// False when too many messages wait, or the other end is gone.
  bool post(std::string bytes, Fd fd = {});
  bool post(std::string bytes, std::vector<Fd> fds);
  /// co_await: false when the other end is gone. fds stay open until then.
  event::Task<bool> send(std::string bytes, std::vector<int> fds = {});
  /// Ends the conversation: as if the other end were gone.
  void close();

 private:
  event::Task<void> read();
  event::Task<void> send_owned(std::string bytes, std::vector<Fd> owned);

  ipc::Channel channel_;
  Received received_;
  Ended ended_;
  bool open_ = true;
  // Shared with the deferred call, which may come after the link is gone.
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  event::Semaphore turn_{1};
  event::TaskScope tasks_;
};

/// A pair of connected packet sockets.
Result<std::pair<Fd, Fd>> socket_pair();

}  // namespace umaya::named
