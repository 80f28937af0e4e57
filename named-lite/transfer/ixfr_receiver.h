// NAME    ixfr_receiver - what is new in a zone as it comes in over IXFR
//
// SYNOPSIS
//     IxfrReceiver receiver(apex, id, our_serial, limits);
//     while (receiver.state() == IxfrReceiver::State::more) receiver.take(next_message());
//     if (receiver.state() == IxfrReceiver::State::complete) switch (receiver.content()) …
//
// DESCRIPTION
//     RFC 1995 4 without I/O. The answer is one of three: the SOA alone (nothing is new), the steps from our serial to
//     the newest, or the whole zone as in AXFR. Signatures are the caller's to check, before take(). That the steps fit
//     the zone is seen when they are applied.
//
// ERRORS
//     State::failed with the reason in why(): what ZoneReceiver refuses; steps that do not begin at our serial, do not
//     follow one another, lead backwards, or end elsewhere than at the newest; records behind the end; more than the
//     limits.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "named-lite/transfer/zone_receiver.h"
#include "named-lite/zone/changes.h"

namespace umaya::named {

class IxfrReceiver {
 public:
  using State = ZoneReceiver::State;
  enum class Content : unsigned char { unknown, nothing_new, steps, zone };
  struct Limits {
    size_t zone_records = ZoneReceiver::kMostRecords;
    size_t step_records = 1'000'000;  ///< of all steps together
  };

  IxfrReceiver(const Name& zone, uint16_t id, uint32_t serial, Limits limits)
      : apex_(zone.lower()), id_(id), serial_(serial), limits_(limits) {}
  State take(std::string_view message);
  State state() const { return state_; }
  const std::string& why() const { return why_; }
  Content content() const { return content_; }
  size_t records() const { return records_; }
  std::vector<ZoneChange> release_steps() { return std::move(steps_); }
  RecordList release_zone() { return zone_->release(); }

 private:
  void fail(std::string why);
  void add(const WireRecord& record);
  void begin(const WireRecord& record);
  void add_to_zone(const WireRecord& record);
  void add_soa(ZoneRecord soa);

  Name apex_;
  uint16_t id_;
  uint32_t serial_;
  Limits limits_;
  State state_ = State::more;
  Content content_ = Content::unknown;
  std::string why_;
  size_t records_ = 0;
  WireRecord newest_;  // the SOA in front
  std::vector<ZoneChange> steps_;
  bool adding_ = false;  // in the second half of the last step
  std::optional<ZoneReceiver> zone_;
};

}  // namespace umaya::named
