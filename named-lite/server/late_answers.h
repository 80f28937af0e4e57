// NAME    late_answers - answers of other name servers, from the process that has the keys
//
// SYNOPSIS
//     LateAnswers late(responder);
//     late.connect(post); … late.take(packet);                  // the link to the recursion process
//     late.configure(mark, limit);
//     late.ask(packet, std::move(order), [](std::string_view answer) { … });
//
// DESCRIPTION
//     A question that only other name servers can answer, and that is signed (RFC 8945) or came over a connection that
//     is here, is asked of the recursion process, as query processes do (query/recursive_client.h). Its answer is
//     written when it comes, and signed when the question was.
//
// OWNERSHIP
//     The responder outlives this object. What is called with an answer must bear to be called when its client is gone.
//
// LIMITS
//     recursive-clients questions wait, 15 s each; beyond them the answer is SERVFAIL.
#pragma once

#include <functional>
#include <memory>
#include <string_view>

#include "named-lite/query/recursive_client.h"
#include "named-lite/server/responder.h"

namespace umaya::named {

class LateAnswers {
 public:
  /// Called once; an empty answer: none may be given.
  using Send = std::function<void(std::string_view answer)>;

  explicit LateAnswers(Responder& responder)
      : responder_(responder), out_(std::make_unique_for_overwrite<char[]>(kMostAnswer)) {}
  LateAnswers(const LateAnswers&) = delete;
  LateAnswers& operator=(const LateAnswers&) = delete;

  /// Posts to the recursion process; nullptr: there is none. What comes from there is given to take().
  void connect(RecursiveClient::Post post) { recursion_.connect(std::move(post)); }
  void take(ipc::Packet packet) { recursion_.take(std::move(packet)); }
  /// config_mark: of the snapshot in service; most: recursive-clients.
  void configure(uint64_t config_mark, size_t most) { recursion_.configure(config_mark, most); }
  /// Has others asked what respond() gave the order for.
  void ask(std::string_view packet, RecursiveOrder order, Send send);

 private:
  size_t write(const Query& query, std::string_view packet, RecursiveOrder& order, const FoundAnswer& found);

  Responder& responder_;
  RecursiveClient recursion_;
  std::unique_ptr<char[]> out_;  // one answer is made at a time
};

}  // namespace umaya::named
