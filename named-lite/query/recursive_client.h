// NAME    recursive_client - questions of a query process that only other name servers can answer
//
// SYNOPSIS
//     RecursiveClient recursion;
//     recursion.connect(std::move(fd));                          // again when there is a new recursion process
//     recursion.configure(mark, limits);
//     if (size_t size = recursion.from_cache(query, packet, place, out)) …
//     recursion.ask(packet, place, client, [](std::string_view answer) { … });
//
// DESCRIPTION
//     What is in the answer cache is answered at once; the rest goes to the recursion process, and its answer comes
//     later. Both are written for the client here: its id, its flags, its size.
//
// OWNERSHIP
//     What is called with an answer must bear to be called when its client is gone.
//
// LIMITS
//     As many questions wait as recursive-clients says, 15 s each; beyond them, and without a recursion process, the
//     answer is SERVFAIL.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "named-lite/answer/answer.h"
#include "named-lite/feed/link.h"
#include "named-lite/query/pending.h"
#include "named-lite/query/recursion_messages.h"
#include "named-lite/recursion/answer_cache.h"

namespace umaya::named {

/// For whom an answer is written.
struct RecursivePlace {
  uint16_t view = 0;  ///< number in the configuration
  Transport transport = Transport::udp;
  uint16_t udp_limit = 1232;
};

class RecursiveClient {
 public:
  using Answered = std::function<void(std::string_view answer)>;

  RecursiveClient();
  RecursiveClient(const RecursiveClient&) = delete;
  RecursiveClient& operator=(const RecursiveClient&) = delete;

  void connect(Fd fd);
  /// config_mark: of the snapshot that is served from now on; most: recursive-clients.
  void configure(uint64_t config_mark, size_t most);
  /// The answer in out; its size, 0 when the cache has none.
  size_t from_cache(const Query& query, std::string_view packet, const RecursivePlace& place, std::span<char> out);
  /// answered is called once, with an answer; at once when nobody can be asked.
  void ask(std::string_view packet, const RecursivePlace& place, const net::IpAddress& client, Answered answered);
  size_t waiting() const { return pending_.size(); }

 private:
  static constexpr size_t kMostPending = 65536;
  struct Waiter {
    std::string packet;
    RecursivePlace place;
    Answered answered;
  };
  void received(ipc::Packet packet);
  void take_cache(const CacheHandles& handles, const std::vector<Fd>& fds);
  void answer(const Waiter& waiter, const RecursionReply& reply);
  void fail(const Waiter& waiter);
  RecursionRequest request_for(const Query& query, const RecursivePlace& place) const;
  void end_of_time();

  std::unique_ptr<Link> link_;
  uint64_t config_mark_ = 0;
  size_t most_ = 1000;
  std::optional<AnswerCache> cache_;
  uint64_t cache_mark_ = 0;
  Pending<Waiter> pending_{kMostPending, std::chrono::seconds(15)};
  std::unique_ptr<char[]> answer_;  // one answer is made at a time
  event::Timer clock_;
};

}  // namespace umaya::named
