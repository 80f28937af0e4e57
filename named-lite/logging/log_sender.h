// NAME    log_sender - gathers log lines for the process that has files
//
// SYNOPSIS
//     LogSender sender([&](std::string message) { return link->post(std::move(message)); });
//     sender.add({Category::queries, log::Level::info, now, text});
//     sender.taken();                          // a LogTaken has come
//
// DESCRIPTION
//     A batch goes when it is full, or kLatest after its first line. Lines that find too many batches on their way
//     are dropped and counted: the log never slows answers down.
//
// LIMITS  LogBatch::kMostUntaken batches of kMostOctets each.
#pragma once

#include <functional>
#include <string>

#include "libcommon/event/loop.h"
#include "named-lite/logging/log_messages.h"

namespace umaya::named {

class LogSender {
 public:
  static constexpr Duration kLatest = std::chrono::milliseconds(100);
  /// False when the other end cannot take it.
  using Post = std::function<bool(std::string message)>;

  explicit LogSender(Post post) : post_(std::move(post)), clock_([this] { send(); }) {}
  void add(LogRecord record);
  void taken();
  /// The other end is a new one: it owes no answers.
  void restart();
  void send();

 private:
  Post post_;
  LogBatch batch_;
  size_t octets_ = 0;
  size_t untaken_ = 0;
  event::Timer clock_;
};

/// Milliseconds since 1970.
int64_t log_time();

}  // namespace umaya::named
