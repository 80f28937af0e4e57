// NAME    zone_stream - a whole zone as the messages of a transfer
//
// SYNOPSIS
//     ZoneStream stream(image, query, packet);
//     while (size_t size = stream.next(out)) …                   // one message after the other
//
// DESCRIPTION
//     RFC 5936: the SOA, all other records of the zone with their glue, the SOA once more. Each message carries the
//     question, so that names are compressed against the zone's name, and as many records as fit, or one alone when the
//     format says so. The records of a name stand together: the first one spells the name, the others point to it.
//
// OWNERSHIP
//     The stream keeps the image alive. Query and packet are needed by the constructor only.
//
// LIMITS  next() writes nothing when not even one record fits: try a larger buffer, up to 64 KiB.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "named-lite/answer/catalog.h"
#include "named-lite/answer/query.h"
#include "named-lite/config/transfer_conf.h"

namespace umaya::named {

class ZoneStream {
 public:
  /// What is sent: everything, or the SOA alone (an IXFR by somebody who is up to date, or over UDP).
  enum class Extent : unsigned char { zone, soa };

  ZoneStream(ImagePtr image, const Query& query, std::string_view packet, Extent extent = Extent::zone,
             TransferFormat format = TransferFormat::many_answers);
  /// Writes the next message; its size, 0 when the stream is at its end or the next record does not fit.
  size_t next(std::span<char> out);
  bool done() const { return stage_ == Stage::end; }
  /// Records written so far.
  uint64_t records() const { return records_; }

 private:
  enum class Stage : unsigned char { first_soa, nodes, last_soa, end };
  class Message;

  bool put_soa(Message& message);
  bool put_nodes(Message& message);
  void to_next_record(std::string_view data, size_t size);

  ImagePtr image_;
  std::string head_;  // header and question
  Extent extent_;
  TransferFormat format_;
  Stage stage_ = Stage::first_soa;
  uint64_t records_ = 0;
  // The next record: node, number of its set, place in the data of the set.
  uint64_t cursor_ = 0;
  const Node* node_ = nullptr;
  uint16_t set_ = 0;
  size_t at_ = 0;
};

}  // namespace umaya::named
