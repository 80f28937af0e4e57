#include "named-lite/transfer/zone_receiver.h"

#include "named-lite/answer/query.h"
#include "named-lite/dns/types.h"
#include "named-lite/dns/wire_record.h"

namespace umaya::named {

namespace {

/// Header and question of an answer; nothing when all is well, and `at` stands before the first record.
std::string check_head(std::string_view message, const Name& zone, uint16_t id, size_t& at) {
  if (message.size() < kMessageHeader) return "the answer is too short";
  if (be16_at(message, 0) != id) return "the answer has another id";
  uint16_t flags = be16_at(message, 2);
  if ((flags & 0x8000) == 0 || (flags & 0x7800) != 0) return "the message is no answer to a question";
  if ((flags & 0x0200) != 0) return "the answer is truncated";
  if ((flags & 15) != 0) {
    static constexpr std::string_view kWords[] = {"",         "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED",
                                                  "YXDOMAIN", "YXRRSET", "NXRRSET",  "NOTAUTH",  "NOTZONE"};
    size_t code = flags & 15;
    return "the server says " +
           (code < std::size(kWords) ? std::string(kWords[code]) : "error " + std::to_string(code));
  }
  at = kMessageHeader;
  for (uint16_t i = be16_at(message, 4); i > 0; --i) {
    std::string name;
    if (!expand_name(message, at, message.size(), name) || at + 4 > message.size()) return "the question is malformed";
    if (!same_name(name, zone.wire()) || be16_at(message, at + 2) != rr_class::kIn) {
      return "the answer is to another question";
    }
    at += 4;
  }
  return {};
}

}  // namespace

SoaAnswer read_soa_answer(std::string_view message, const Name& zone, uint16_t id) {
  SoaAnswer answer;
  size_t at = 0;
  answer.why = check_head(message, zone, id, at);
  if (!answer.why.empty()) return answer;
  if ((be16_at(message, 2) & 0x0400) == 0) {
    answer.why = "the server has no authority for the zone";
    return answer;
  }
  answer.why = "the answer has no SOA";
  for (uint16_t i = be16_at(message, 6); i > 0; --i) {
    WireRecord record;
    if (!read_record(message, at, record)) {
      answer.why = "the answer is malformed";
      return answer;
    }
    if (record.type != type::kSoa || !same_name(record.owner, zone.wire())) continue;
    answer.serial = soa_serial(record.rdata);
    answer.why.clear();
    return answer;
  }
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

bool ZoneReceiver::add(std::string_view message, size_t& at) {
  WireRecord record;
  if (!read_record(message, at, record)) {
    fail("record " + std::to_string(records() + 1) + " is malformed");
    return false;
  }
  if (record.cls != rr_class::kIn) {
    fail("record " + std::to_string(records() + 1) + " is of another class");
    return false;
  }
  if (!is_at_or_below(record.owner, list_.apex().wire())) {
    fail(name_text(record.owner) + " is outside of the zone");
    return false;
  }
  if (record.type == type::kSoa) {
    if (!same_name(record.owner, list_.apex().wire())) {
      fail("SOA of another name: " + name_text(record.owner));
      return false;
    }
    if (!add_soa(record.rdata)) return false;
  } else if (soa_.empty()) {
    fail("the zone does not begin with its SOA");
    return false;
  }
  if (records() >= most_records_ || list_.is_full()) {
    fail("the zone has more than " + std::to_string(most_records_) + " records");
    return false;
  }
  if (records() == 0 || list_.current_owner() != record.owner) list_.set_owner(record.owner);
  list_.add(record.type, record.ttl, record.rdata, 0, 0, 0);
  return true;
}

ZoneReceiver::State ZoneReceiver::take(std::string_view message) {
  if (state_ == State::failed) return state_;
  if (state_ == State::complete) return fail("there is more behind the end of the zone");
  size_t at = 0;
  std::string wrong = check_head(message, list_.apex(), id_, at);
  if (!wrong.empty()) return fail(std::move(wrong));
  uint16_t count = be16_at(message, 6);
  if (count == 0) return fail("a message without records");
  for (uint16_t i = 0; i < count; ++i) {
    if (state_ == State::complete) return fail("there are records behind the end of the zone");
    if (!add(message, at) && state_ == State::failed) return state_;
  }
  return state_;
}

}  // namespace umaya::named
