#include "named-lite/transfer/zone_receiver.h"

#include "named-lite/answer/query.h"
#include "named-lite/dns/types.h"
#include "named-lite/transfer/answer_reader.h"
#include "named-lite/transfer/expire_option.h"

namespace umaya::named {

SoaAnswer read_soa_answer(std::string_view message, const Name& zone, uint16_t id) {
  SoaAnswer answer;
  AnswerReader reader(message, zone, id);
  WireRecord record;
  answer.without_edns = reader.rcode() == rcode::kFormErr || reader.rcode() == rcode::kNotImp;
  if (reader.why().empty() && !reader.has_authority()) {
    answer.why = "the server has no authority for the zone";
    return answer;
  }
  while (!answer.serial && reader.next(record)) {
    if (record.type == type::kSoa) answer.serial = soa_serial(record.rdata);
  }
  answer.expire = expire_in_answer(message);
  if (!answer.serial) answer.why = reader.why().empty() ? "the answer has no SOA" : reader.why();
  return answer;
}

ZoneReceiver::State ZoneReceiver::fail(std::string why) {
  state_ = State::failed;
  why_ = std::move(why);
  return state_;
}

/// The SOA begins the zone, and the same one ends it.
bool ZoneReceiver::add_soa(std::string_view rdata) {
  if (soa_.empty()) {
    soa_ = rdata;
    return true;
  }
  if (soa_serial(rdata) != soa_serial(soa_)) {
    fail("the SOA at the end has another serial than that at the beginning");
    return false;
  }
  state_ = State::complete;
  return false;
}

ZoneReceiver::State ZoneReceiver::add(const WireRecord& record) {
  if (state_ == State::failed) return state_;
  if (state_ == State::complete) return fail("there is more behind the end of the zone");
  if (record.type == type::kSoa) {
    if (!add_soa(record.rdata)) return state_;
  } else if (soa_.empty()) {
    return fail("the zone does not begin with its SOA");
  }
  if (records() >= most_records_ || list_.is_full()) {
    return fail("the zone has more than " + std::to_string(most_records_) + " records");
  }
  if (records() == 0 || list_.current_owner() != record.owner) list_.set_owner(record.owner);
  list_.add(record.type, record.ttl, record.rdata, 0, 0, 0);
  return state_;
}

ZoneReceiver::State ZoneReceiver::take(std::string_view message) {
  if (state_ == State::failed) return state_;
  if (state_ == State::complete) return fail("there is more behind the end of the zone");
  AnswerReader reader(message, list_.apex(), id_);
  WireRecord record;
  while (state_ != State::failed && reader.next(record)) add(record);
  if (state_ == State::failed) return state_;
  if (!reader.why().empty()) return fail(reader.why());
  if (reader.count() == 0) return fail("a message without records");
  return state_;
}

}  // namespace umaya::named
