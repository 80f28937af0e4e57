// NAME    recursion_server - the process that asks other name servers
//
// SYNOPSIS
//     RecursionServer server({.ready = …, .trouble = …});
//     server.connect_zone(std::move(fd));              // configuration, zones and commands come from there
//     server.connect_query(number, std::move(fd));     // questions come from there
//     event::Loop::current().run();
//
// DESCRIPTION
//     Resolves what query processes and the zone process ask (recursion/recursor.h) and keeps finished answers where
//     they find them themselves (recursion/answer_cache.h). With another configuration a new resolver with empty caches
//     takes over, for what was allowed to be learned may have changed; the one before still answers what it was asked.
//     Zones that are exchanged leave the caches alone, but for answers that hold data of our own.
//
// LIMITS
//     recursive-clients questions of all query processes together; beyond them SERVFAIL.
#pragma once

#include <functional>
#include <map>
#include <memory>

#include "named-lite/feed/link.h"
#include "named-lite/feed/receiver.h"
#include "named-lite/logging/log_sender.h"
#include "named-lite/query/recursion_messages.h"
#include "named-lite/recursion/answer_cache.h"
#include "named-lite/recursion/recursor.h"
#include "named-lite/recursion/sockets.h"
#include "named-lite/server/recursion_counting.h"

namespace umaya::named {

class RecursionServer {
 public:
  struct Hooks {
    std::function<void()> ready;    ///< questions are answered from now on; called once
    std::function<void()> trouble;  ///< the zone process sent what it must not
  };

  explicit RecursionServer(Hooks hooks)
      : hooks_(std::move(hooks)),
        log_([this](std::string message) { return zone_ && zone_->post(std::move(message)); }) {}
  RecursionServer(const RecursionServer&) = delete;
  RecursionServer& operator=(const RecursionServer&) = delete;
  ~RecursionServer();

  /// Counts there from now on; page outlives this.
  void count_in(PageNumbers& page) { page_ = &page; }
  void connect_zone(Fd fd);
  void connect_query(unsigned number, Fd fd);
  /// A line of this process: false when it is to go the way of all lines.
  bool take_line(log::Level level, std::string_view text);
  uint64_t questions() const { return questions_; }

 private:
  /// A resolver for one configuration.
  struct Engine {
    Engine(const Snapshot& snapshot, uint64_t config_mark, const ResolverClock& clock, PageNumbers* page);
    uint64_t mark;
    RecursionSettings settings;
    uint64_t zones = 0;  // how often zones were exchanged
    SocketUpstream sockets;
    CountingUpstream upstream;
    Recursor recursor;
    CounterFeed counters;
    std::unique_ptr<AnswerCacheWriter> cache;  // null: no memory for it
    event::TaskScope tasks;                    // last: they use all of the above
  };

  /// Shared: an answer must not reach a process that was started in the place of the one that asked.
  using Asker = std::weak_ptr<Link>;
  void from_zone(ipc::Packet packet);
  void take_keys(TsigKeys keys);
  void take_up();
  void obey(const CacheCommand& command, const std::vector<Fd>& fds);
  uint64_t carry_out(const CacheCommand& command, const std::vector<Fd>& fds);
  void take_request(const Asker& asker, const ipc::Packet& packet);
  event::Task<void> answer(Engine& engine, Asker asker, RecursionRequest request);
  static void reply(const Asker& asker, uint32_t ticket, RecursiveAnswer answer);
  void show_cache(Link& query) const;
  Engine* engine_for(uint64_t mark) const;
  void publish(Engine& engine) const;

  Hooks hooks_;
  ResolverClock clock_;
  FeedReceiver receiver_;
  TsigKeys keys_;
  std::unique_ptr<Engine> engine_, former_;
  uint64_t questions_ = 0;
  PageNumbers* page_ = nullptr;
  std::map<unsigned, std::shared_ptr<Link>> queries_;
  std::shared_ptr<Link> zone_;
  LogOrders orders_;
  LogSender log_;
};

}  // namespace umaya::named
