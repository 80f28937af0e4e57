#include "named-lite/transfer/answer_reader.h"

#include "named-lite/dns/types.h"

namespace umaya::named {

namespace {

std::string rcode_text(unsigned code) {
  static constexpr std::string_view kWords[] = {"",         "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED",
                                                "YXDOMAIN", "YXRRSET", "NXRRSET",  "NOTAUTH",  "NOTZONE"};
  return code < std::size(kWords) ? std::string(kWords[code]) : "error " + std::to_string(code);
}

}  // namespace

AnswerReader::AnswerReader(std::string_view message, const Name& zone, uint16_t id) : message_(message), zone_(zone) {
  why_ = check_head(id);
  if (why_.empty()) count_ = be16_at(message, 6);
}

std::string AnswerReader::check_head(uint16_t id) {
  if (message_.size() < kMessageHeader) return "the answer is too short";
  if (be16_at(message_, 0) != id) return "the answer has another id";
  uint16_t flags = be16_at(message_, 2);
  if ((flags & 0x8000) == 0 || (flags & 0x7800) != 0) return "the message is no answer to a question";
  if ((flags & 0x0200) != 0) return "the answer is truncated";
  rcode_ = flags & 15;
  if (rcode_ != 0) return "the server says " + rcode_text(rcode_);
  authority_ = (flags & 0x0400) != 0;
  for (uint16_t i = be16_at(message_, 4); i > 0; --i) {
    std::string name;
    if (!expand_name(message_, at_, message_.size(), name) || at_ + 4 > message_.size()) {
      return "the question is malformed";
    }
    if (!same_name(name, zone_.wire()) || be16_at(message_, at_ + 2) != rr_class::kIn) {
      return "the answer is to another question";
    }
    at_ += 4;
  }
  return {};
}

bool AnswerReader::next(WireRecord& record) {
  if (!why_.empty() || taken_ == count_) return false;
  ++taken_;
  auto wrong = [&](std::string_view what) { return "record " + std::to_string(taken_) + std::string(what); };
  if (!read_record(message_, at_, record)) {
    why_ = wrong(" is malformed");
  } else if (record.cls != rr_class::kIn) {
    why_ = wrong(" is of another class");
  } else if (!is_at_or_below(record.owner, zone_.wire())) {
    why_ = name_text(record.owner) + " is outside of the zone";
  } else if (record.type == type::kSoa && !same_name(record.owner, zone_.wire())) {
    why_ = "SOA of another name: " + name_text(record.owner);
  }
  return why_.empty();
}

}  // namespace umaya::named
