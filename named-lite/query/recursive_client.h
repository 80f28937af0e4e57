// NAME    recursive_client - questions of a query process that only other name servers can answer
//
// SYNOPSIS
//     RecursiveClient recursion;
//     recursion.connect(std::move(fd));                          // again when there is a new recursion process
//     recursion.connect(post); … recursion.take(packet);         // over a link that is somebody else's
//     recursion.configure(mark, limits);
//     if (size_t size = recursion.from_cache(query, packet, place, options, report, out)) …
//     recursion.ask(packet, place, client, [](const Query&, std::string_view packet, const FoundAnswer&) { … });
//
// DESCRIPTION
//     What is in the answer cache is answered at once; the rest goes to the recursion process, and its answer comes
//     later, to be written for the client then (found_answer.h).
//
// OWNERSHIP
//     What is called with an answer must bear to be called when its client is gone.
//
// LIMITS
//     As many questions wait as recursive-clients says, 15 s each; beyond them, and without a recursion process, the
//     answer is SERVFAIL. Of one network fewer wait (wait_limits.h); beyond them the answer is cut, so that the client
//     asks over TCP.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "named-lite/answer/answer.h"
#include "named-lite/feed/link.h"
#include "named-lite/query/found_answer.h"
#include "named-lite/query/pending.h"
#include "named-lite/query/recursion_messages.h"
#include "named-lite/query/wait_limits.h"
#include "named-lite/recursion/answer_cache.h"

namespace umaya::named {

class RecursiveClient {
 public:
  using Answered = std::function<void(const Query& query, std::string_view packet, const FoundAnswer& found)>;

  RecursiveClient();
  RecursiveClient(const RecursiveClient&) = delete;
  RecursiveClient& operator=(const RecursiveClient&) = delete;

  void connect(Fd fd);
  /// Sends a message; false: it does not go.
  using Post = std::function<bool(std::string message)>;
  /// What comes over the link that is posted to is given to take(). nullptr: there is no recursion process.
  void connect(Post post);
  void take(ipc::Packet packet);
  /// config_mark: of the snapshot that is served from now on; most: recursive-clients.
  void configure(uint64_t config_mark, size_t most);
  /// The answer in out, with these EDNS options, and what it is; its size, 0 when the cache has none.
  size_t from_cache(const Query& query, std::string_view packet, const RecursivePlace& place, std::string_view options,
                    AnswerReport& report, std::span<char> out);
  /// To be called before a batch is answered: brings near what the cache may have for these packets of a view.
  void prefetch(std::span<const std::string_view> packets, uint16_t view) const;
  /// answered is called once, with an answer; at once when nobody can be asked.
  void ask(std::string_view packet, const RecursivePlace& place, const net::IpAddress& client, Answered answered);
  size_t waiting() const { return pending_.size(); }

 private:
  static constexpr size_t kMostPending = 65536;
  struct Waiter {
    std::string packet;
    RecursivePlace place;
    Answered answered;
    net::IpAddress client;
    TimePoint since{};
    bool counted = false;  ///< in the limits
  };
  void take_cache(const CacheHandles& handles, const std::vector<Fd>& fds);
  static void answer(const Waiter& waiter, const FoundAnswer& found);
  void finish(const Waiter& waiter, const RecursionReply& reply);
  void fail(const Waiter& waiter);
  void fail_all();
  RecursionRequest request_for(const Query& query, const RecursivePlace& place) const;
  void end_of_time();

  std::unique_ptr<Link> link_;
  Post post_;
  uint64_t config_mark_ = 0;
  size_t most_ = 1000;
  std::optional<AnswerCache> cache_;
  uint64_t cache_mark_ = 0;
  Pending<Waiter> pending_{kMostPending, std::chrono::seconds(15)};
  WaitLimits limits_;
  event::Timer clock_;
};

}  // namespace umaya::named
