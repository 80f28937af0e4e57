// NAME    query_log - what the log says of single questions
//
// SYNOPSIS
//     QueryLog queries([&](LogRecord record) { sender.add(std::move(record)); });
//     queries.obey(orders);
//     if (queries.active()) queries.note(asked, answer);
//
// DESCRIPTION
//     Lines in the form that BIND gives them: of each question (queries), of those that are refused (security), and of
//     those that fail (query-errors).
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "named-lite/answer/answer.h"
#include "named-lite/answer/cookies.h"
#include "named-lite/logging/log_messages.h"
#include "named-lite/server/snapshot.h"

namespace umaya::named {

/// A question as it came.
struct NotedQuery {
  const Query& query;
  const sockaddr* client;
  const net::IpAddress& local;  ///< that was asked
  Transport transport;
  std::string_view view;  ///< empty: none
  CookieState cookie = CookieState::none;
  const Name* key = nullptr;  ///< that it is signed with
};

/// "client @0x7 192.0.2.9#1053 (www.ex.test): query: www.ex.test IN A +E(0)K (192.0.2.1)"; number: of the line.
std::string query_line(const NotedQuery& noted, uint64_t number);

class QueryLog {
 public:
  using Write = std::function<void(LogRecord)>;
  explicit QueryLog(Write write) : write_(std::move(write)) {}
  void obey(const LogOrders& orders) { orders_ = orders; }
  bool active() const { return orders_.watches_queries(); }
  /// answer: its rcode decides whether it was refused or failed; empty when it comes later.
  void note(const NotedQuery& noted, std::string_view answer);
  /// An answer that came later than its question was noted.
  void note_answer(const NotedQuery& noted, std::string_view answer);

 private:
  Write write_;
  LogOrders orders_;
  uint64_t lines_ = 0;
};

/// The name of a view; "" for that of a configuration without views.
std::string_view view_text(const ServedView& view);
/// The same of the view whose zones a context has.
std::string_view view_of(const Snapshot& snapshot, const AnswerContext& context);

}  // namespace umaya::named
