// NAME    zone_receiver - a zone as it comes in over AXFR
//
// SYNOPSIS
//     ZoneReceiver receiver(apex, id);
//     while (receiver.state() == ZoneReceiver::State::more) receiver.take(next_message());
//     if (receiver.state() == ZoneReceiver::State::complete) RecordList records = receiver.release();
//
// DESCRIPTION
//     RFC 5936 without I/O: the records between the SOA and the SOA that ends the zone, with the names in their data
//     written out. Signatures are the caller's to check, before take().
//
// ERRORS
//     State::failed with the reason in why(): an answer to another question, an error of the server, a malformed
//     record, a record outside of the zone or of another class, a third SOA, another SOA at the end than at the
//     beginning, records behind the end, more than the limit. Nothing of such a zone may be served.
//
// LIMITS  kMostRecords records, 2 GiB of names and data.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "named-lite/dns/wire_record.h"
#include "named-lite/zone/records.h"

namespace umaya::named {

/// What a server answers to a question for a zone's SOA.
struct SoaAnswer {
  std::optional<uint32_t> serial;
  std::optional<uint32_t> expire;  ///< seconds, when it tells them (RFC 7314)
  bool without_edns = false;       ///< the server does not know EDNS: ask again without
  std::string why;                 ///< when there is no serial
};
SoaAnswer read_soa_answer(std::string_view message, const Name& zone, uint16_t id);

class ZoneReceiver {
 public:
  static constexpr size_t kMostRecords = 10'000'000;
  enum class State : unsigned char { more, complete, failed };

  ZoneReceiver(const Name& zone, uint16_t id, size_t most_records = kMostRecords)
      : list_(zone.lower()), id_(id), most_records_(most_records) {
    list_.add_file("transfer of " + zone.text());
  }
  State take(std::string_view message);
  /// The same for one record of a message that somebody else reads.
  State add(const WireRecord& record);
  State state() const { return state_; }
  const std::string& why() const { return why_; }
  size_t records() const { return list_.records().size(); }
  /// The records of a complete zone, its SOA once.
  RecordList release() { return std::move(list_); }

 private:
  State fail(std::string why);
  bool add_soa(std::string_view rdata);

  RecordList list_;
  uint16_t id_;
  size_t most_records_;
  State state_ = State::more;
  std::string why_;
  std::string soa_;  // data of the first record
};

}  // namespace umaya::named
