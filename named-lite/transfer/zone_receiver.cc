#include "named-lite/transfer/zone_receiver.h"

#include "libcommon/base/bytes.h"
#include "named-lite/answer/query.h"
#include "named-lite/dns/types.h"

namespace umaya::named {

namespace {

constexpr size_t kHeader = 12;

uint16_t be16(std::string_view octets, size_t at) {
  return static_cast<uint16_t>(static_cast<unsigned char>(octets[at]) << 8 |
                               static_cast<unsigned char>(octets[at + 1]));
}

uint32_t be32(std::string_view octets, size_t at) {
  return static_cast<uint32_t>(be16(octets, at)) << 16 | be16(octets, at + 2);
}

/// Appends the name at this place without pointers, which must lead backwards; `at` moves behind it. end: the name must
/// not reach beyond it.
bool expand_name(std::string_view message, size_t& at, size_t end, std::string& out) {
  size_t start = out.size();
  size_t p = at;
  size_t limit = end;
  bool jumped = false;
  while (p < limit) {
    auto length = static_cast<unsigned char>(message[p]);
    if (length >= 0xC0) {
      if (p + 2 > limit) return false;
      size_t target = be16(message, p) & 0x3FFFu;
      if (!jumped) at = p + 2;
      jumped = true;
      if (target >= p || target < kHeader) return false;
      limit = p;  // what a pointer leads to lies before it: this ends
      p = target;
      continue;
    }
    if (length > kMaxLabel || p + 1 + length > limit || out.size() - start + 1 + length > kMaxName) return false;
    out.append(message.substr(p, 1 + size_t{length}));
    p += 1 + size_t{length};
    if (length > 0) continue;
    if (!jumped) at = p;
    return true;
  }
  return false;
}

/// The data of a record with its names written out.
bool expand_rdata(uint16_t type, std::string_view message, size_t at, size_t end, std::string& out) {
  std::string_view layout = type_layout(type);
  for (char kind : layout) {
    size_t fixed = kind == 'b'                                 ? 1
                   : kind == 'w'                               ? 2
                   : kind == 'd' || kind == 't' || kind == '4' ? 4
                   : kind == '6'                               ? 16
                                                               : 0;
    if (kind == 'n' || kind == 'N') {
      if (!expand_name(message, at, end, out)) return false;
    } else if (fixed > 0) {
      if (end - at < fixed) return false;
      out.append(message.substr(at, fixed));
      at += fixed;
    } else if (kind == 's' || kind == 'S') {
      do {
        if (at >= end || end - at < 1 + size_t{static_cast<unsigned char>(message[at])}) return false;
        size_t size = 1 + size_t{static_cast<unsigned char>(message[at])};
        out.append(message.substr(at, size));
        at += size;
      } while (kind == 'S' && at < end);
    } else {  // to the end of the data
      out.append(message.substr(at, end - at));
      at = end;
    }
  }
  if (layout.empty()) {
    out.append(message.substr(at, end - at));
    at = end;
  }
  return at == end && out.size() <= UINT16_MAX;
}

/// Header and question of an answer; nothing when all is well, and `at` stands before the first record.
std::string check_head(std::string_view message, const Name& zone, uint16_t id, size_t& at) {
  if (message.size() < kHeader) return "the answer is too short";
  if (be16(message, 0) != id) return "the answer has another id";
  uint16_t flags = be16(message, 2);
  if ((flags & 0x8000) == 0 || (flags & 0x7800) != 0) return "the message is no answer to a question";
  if ((flags & 0x0200) != 0) return "the answer is truncated";
  if ((flags & 15) != 0) {
    static constexpr std::string_view kWords[] = {"",         "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED",
                                                  "YXDOMAIN", "YXRRSET", "NXRRSET",  "NOTAUTH",  "NOTZONE"};
    size_t code = flags & 15;
    return "the server says " +
           (code < std::size(kWords) ? std::string(kWords[code]) : "error " + std::to_string(code));
  }
  at = kHeader;
  for (uint16_t i = be16(message, 4); i > 0; --i) {
    std::string name;
    if (!expand_name(message, at, message.size(), name) || at + 4 > message.size()) return "the question is malformed";
    if (!same_name(name, zone.wire()) || be16(message, at + 2) != rr_class::kIn) {
      return "the answer is to another question";
    }
    at += 4;
  }
  return {};
}

struct WireRecord {
  std::string owner;
  uint16_t type = 0;
  uint16_t cls = 0;
  uint32_t ttl = 0;
  std::string rdata;
};

bool read_record(std::string_view message, size_t& at, WireRecord& record) {
  if (!expand_name(message, at, message.size(), record.owner) || message.size() - at < 10) return false;
  record.type = be16(message, at);
  record.cls = be16(message, at + 2);
  record.ttl = be32(message, at + 4);
  if ((record.ttl & 0x80000000u) != 0) record.ttl = 0;  // RFC 2181 8
  size_t size = be16(message, at + 8);
  at += 10;
  if (message.size() - at < size || !expand_rdata(record.type, message, at, at + size, record.rdata)) return false;
  at += size;
  return true;
}

/// The serial of a SOA's data.
uint32_t serial_of(std::string_view rdata) {
  return be32(rdata, rdata.size() - 20);
}

}  // namespace

std::string zone_question(const Name& zone, uint16_t type, uint16_t id) {
  std::string message;
  ByteWriter out(message);
  out.be16(id).be16(0).be16(1).be16(0).be16(0).be16(0).bytes(zone.wire()).be16(type).be16(rr_class::kIn);
  return message;
}

SoaAnswer read_soa_answer(std::string_view message, const Name& zone, uint16_t id) {
  SoaAnswer answer;
  size_t at = 0;
  answer.why = check_head(message, zone, id, at);
  if (!answer.why.empty()) return answer;
  if ((be16(message, 2) & 0x0400) == 0) {
    answer.why = "the server has no authority for the zone";
    return answer;
  }
  answer.why = "the answer has no SOA";
  for (uint16_t i = be16(message, 6); i > 0; --i) {
    WireRecord record;
    if (!read_record(message, at, record)) {
      answer.why = "the answer is malformed";
      return answer;
    }
    if (record.type != type::kSoa || !same_name(record.owner, zone.wire())) continue;
    answer.serial = serial_of(record.rdata);
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
  if (serial_of(rdata) != serial_of(soa_)) {
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
  uint16_t count = be16(message, 6);
  if (count == 0) return fail("a message without records");
  for (uint16_t i = 0; i < count; ++i) {
    if (state_ == State::complete) return fail("there are records behind the end of the zone");
    if (!add(message, at) && state_ == State::failed) return state_;
  }
  return state_;
}

}  // namespace umaya::named
