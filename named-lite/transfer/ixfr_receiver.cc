#include "named-lite/transfer/ixfr_receiver.h"

#include "named-lite/dns/types.h"
#include "named-lite/transfer/answer_reader.h"

namespace umaya::named {

void IxfrReceiver::fail(std::string why) {
  state_ = State::failed;
  why_ = std::move(why);
}

void IxfrReceiver::add_to_zone(const WireRecord& record) {
  state_ = zone_->add(record);
  if (state_ == State::failed) why_ = zone_->why();
}

/// The second record tells which form the answer has.
void IxfrReceiver::begin(const WireRecord& record) {
  bool is_step = record.type == type::kSoa && soa_serial(record.rdata) == serial_;
  if (is_step) {
    content_ = Content::steps;
    return;
  }
  if (record.type == type::kSoa) return fail("the steps do not begin at serial " + std::to_string(serial_));
  content_ = Content::zone;
  zone_.emplace(apex_, id_, limits_.zone_records);
  add_to_zone(newest_);
}

/// A SOA ends one part of the answer and begins the next.
void IxfrReceiver::add_soa(ZoneRecord soa) {
  uint32_t serial = soa_serial(soa.rdata);
  if (!steps_.empty() && !adding_) {
    ZoneChange& step = steps_.back();
    if (!serial_is_newer(serial, step.from_serial)) return fail("a step leads backwards");
    step.to_serial = serial;
    step.added.push_back(std::move(soa));
    adding_ = true;
    return;
  }
  uint32_t reached = steps_.empty() ? serial_ : steps_.back().to_serial;
  if (serial != reached) return fail("a step does not begin where the one before ended");
  if (!steps_.empty() && serial == soa_serial(newest_.rdata)) {
    state_ = State::complete;
    return;
  }
  ZoneChange& step = steps_.emplace_back();
  step.from_serial = serial;
  step.removed.push_back(std::move(soa));
  adding_ = false;
}

void IxfrReceiver::add(const WireRecord& record) {
  if (++records_ == 1) {
    newest_ = record;
    if (record.type != type::kSoa) fail("the answer does not begin with the SOA");
    return;
  }
  if (content_ == Content::unknown) begin(record);
  if (state_ != State::more) return;
  if (content_ == Content::zone) return add_to_zone(record);
  if (records_ > limits_.step_records) {
    return fail("the steps have more than " + std::to_string(limits_.step_records) + " records");
  }
  ZoneRecord plain{record.owner, record.type, record.ttl, record.rdata};
  if (record.type == type::kSoa) return add_soa(std::move(plain));
  ZoneChange& step = steps_.back();
  (adding_ ? step.added : step.removed).push_back(std::move(plain));
}

IxfrReceiver::State IxfrReceiver::take(std::string_view message) {
  if (state_ == State::failed) return state_;
  AnswerReader reader(message, apex_, id_);
  WireRecord record;
  while (state_ == State::more && reader.next(record)) add(record);
  if (state_ == State::failed) return state_;
  if (state_ == State::complete && reader.next(record)) fail("there is more behind the end");
  if (!reader.why().empty()) {
    fail(reader.why());
  } else if (reader.count() == 0) {
    fail("a message without records");
  } else if (records_ == 1 && !serial_is_newer(soa_serial(newest_.rdata), serial_)) {
    content_ = Content::nothing_new;
    state_ = State::complete;
  }
  return state_;
}

}  // namespace umaya::named
