// NAME    primary_exchange - questions to a primary over one connection, and its answers
//
// SYNOPSIS
//     auto exchange = co_await PrimaryExchange::open(primary, snapshot, source);
//     if (!exchange) …
//     (*exchange)->ask(zone_question(zone, type::kSoa, id), id);
//     auto message = co_await (*exchange)->receive(limit);
//
// DESCRIPTION
//     TCP, each message with its length before it. What is asked is signed when the primary has a key, and its answers
//     must be, then (RFC 8945).
//
// OWNERSHIP
//     The exchange keeps the snapshot, which owns the key.
//
// ERRORS
//     Temporary: no connection, it ended, nothing came in time (ETIMEDOUT). Permanent: an answer that is not signed as
//     it must be.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "libcommon/event/listener.h"
#include "libcommon/event/stream.h"
#include "named-lite/dns/tsig.h"
#include "named-lite/server/snapshot.h"

namespace umaya::named {

class PrimaryExchange {
 public:
  /// source: the address to ask from; size 0: the system chooses.
  static event::Task<Result<std::unique_ptr<PrimaryExchange>>> open(RemoteServer primary, SnapshotPtr snapshot,
                                                                    event::PeerAddress source);

  /// Sends a question; what came before it must have been answered to the end.
  event::Task<Result<>> ask(std::string question);
  /// From then on nothing is waited for.
  void set_deadline(TimePoint deadline) { stream_.set_deadline(deadline); }
  /// The next message, valid until the next call. limit: for its whole length.
  event::Task<Result<std::string_view>> receive(Duration limit);
  /// Whether all that was received is signed: ask at the end of a transfer.
  bool is_trusted() const { return !signatures_ || signatures_->complete(); }
  /// Of the question that was asked last.
  uint16_t id() const { return id_; }

 private:
  PrimaryExchange(Fd fd, SnapshotPtr snapshot, const TsigKey* key)
      : stream_(std::move(fd)), snapshot_(std::move(snapshot)), key_(key) {}

  event::Stream stream_;
  SnapshotPtr snapshot_;
  const TsigKey* key_;
  uint16_t id_ = 0;
  std::optional<TsigStream> signatures_;
};

}  // namespace umaya::named
