// NAME    change_stream - what is new in a zone as the messages of an incremental transfer
//
// SYNOPSIS
//     ChangeStream stream(std::move(steps), query, packet);
//     while (size_t size = stream.next(out)) …                   // one message after the other
//
// DESCRIPTION
//     RFC 1995 4: the newest SOA, then for each step the SOA that it leads away from, what goes, the SOA that it leads
//     to, what comes, and the newest SOA once more. Each message carries the question. Owners are compressed against
//     the zone's name and the owner before, data are not compressed. A message has one record alone when the format
//     says so.
//
// OWNERSHIP
//     Query and packet are needed by the constructor only.
//
// LIMITS  next() writes nothing when not even one record fits: try a larger buffer, up to 64 KiB.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "named-lite/answer/query.h"
#include "named-lite/config/transfer_conf.h"
#include "named-lite/zone/changes.h"

namespace umaya::named {

class ChangeStream {
 public:
  /// Steps that follow one another, at least one, each with its SOAs in front (is_sendable).
  ChangeStream(std::vector<ZoneChange> steps, const Query& query, std::string_view packet,
               TransferFormat format = TransferFormat::many_answers);
  ChangeStream(ChangeStream&&) = default;
  ChangeStream& operator=(ChangeStream&&) = default;
  /// Writes the next message; its size, 0 when the stream is at its end or the next record does not fit.
  size_t next(std::span<char> out);
  bool done() const { return at_ == order_.size(); }
  /// Records written so far.
  uint64_t records() const { return at_; }

 private:
  std::vector<ZoneChange> steps_;
  std::string head_;  // header and question
  TransferFormat format_;
  std::vector<const ZoneRecord*> order_;  // all records as they are sent
  size_t at_ = 0;
};

/// The one SOA stands first among what goes and among what comes.
bool is_sendable(const ZoneChange& step);

}  // namespace umaya::named
