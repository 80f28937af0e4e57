#include "named-lite/transfer/change_stream.h"

#include <algorithm>
#include <cstring>

#include "named-lite/dns/types.h"
#include "named-lite/dns/wire.h"
#include "named-lite/transfer/transfer_question.h"

namespace umaya::named {

namespace {

constexpr size_t kMostPointed = 0x4000;

/// One message while it is written.
class Message {
 public:
  Message(std::span<char> out, std::string_view head, std::string_view apex) : out_(out), apex_(apex) { put(head); }
  size_t size() const { return at_; }
  uint16_t count() const { return count_; }

  /// False when the record does not fit, and nothing is added.
  bool add(const ZoneRecord& record) {
    size_t before = at_;
    if (count_ < UINT16_MAX && put_owner(record.owner) && put16(record.type) && put16(rr_class::kIn) &&
        put16(static_cast<uint16_t>(record.ttl >> 16)) && put16(static_cast<uint16_t>(record.ttl)) &&
        put16(static_cast<uint16_t>(record.rdata.size())) && put(record.rdata)) {
      ++count_;
      return true;
    }
    at_ = before;
    if (owner_at_ >= before) owner_at_ = 0;
    return false;
  }

  void finish() {
    out_[6] = static_cast<char>(count_ >> 8);
    out_[7] = static_cast<char>(count_);
  }

 private:
  bool put(std::string_view bytes) {
    if (bytes.size() > out_.size() - at_) return false;
    std::memcpy(out_.data() + at_, bytes.data(), bytes.size());
    at_ += bytes.size();
    return true;
  }
  bool put16(uint16_t value) {
    char octets[2] = {static_cast<char>(value >> 8), static_cast<char>(value)};
    return put({octets, 2});
  }
  bool put_pointer(size_t to) { return put16(static_cast<uint16_t>(0xC000 | to)); }

  /// Labels up to the zone's name, which stands in the question.
  bool put_owner(std::string_view owner) {
    if (owner_at_ != 0 && owner == owner_) return put_pointer(owner_at_);
    owner_ = owner;
    if (owner.size() <= apex_.size()) {
      owner_at_ = kMessageHeader;
      return put_pointer(kMessageHeader);
    }
    owner_at_ = at_ < kMostPointed ? at_ : 0;
    return put(owner.substr(0, owner.size() - apex_.size())) && put_pointer(kMessageHeader);
  }

  std::span<char> out_;
  std::string_view apex_;
  size_t at_ = 0;
  uint16_t count_ = 0;
  std::string_view owner_;
  size_t owner_at_ = 0;  // where it stands; 0: out of a pointer's reach
};

bool begins_with_one_soa(const std::vector<ZoneRecord>& records) {
  auto is_soa = [](const ZoneRecord& record) { return record.type == type::kSoa; };
  return !records.empty() && is_soa(records.front()) && std::count_if(records.begin(), records.end(), is_soa) == 1;
}

}  // namespace

bool is_sendable(const ZoneChange& step) {
  return begins_with_one_soa(step.removed) && begins_with_one_soa(step.added);
}

ChangeStream::ChangeStream(std::vector<ZoneChange> steps, const Query& query, std::string_view packet)
    : steps_(std::move(steps)), head_(transfer_head(query, packet)) {
  const ZoneRecord* newest = &steps_.back().added.front();
  order_.push_back(newest);
  for (const ZoneChange& step : steps_) {
    for (const auto* records : {&step.removed, &step.added}) {
      for (const ZoneRecord& record : *records) order_.push_back(&record);
    }
  }
  order_.push_back(newest);
}

size_t ChangeStream::next(std::span<char> out) {
  if (done() || out.size() < head_.size()) return 0;
  std::string_view apex = std::string_view(head_).substr(kMessageHeader, head_.size() - kMessageHeader - 4);
  Message message(out, head_, apex);
  while (at_ < order_.size() && message.add(*order_[at_])) ++at_;
  if (message.count() == 0) return 0;
  message.finish();
  return message.size();
}

}  // namespace umaya::named
