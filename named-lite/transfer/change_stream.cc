#include "named-lite/transfer/change_stream.h"

#include <algorithm>

#include "named-lite/dns/types.h"
#include "named-lite/dns/wire.h"
#include "named-lite/transfer/transfer_message.h"
#include "named-lite/transfer/transfer_question.h"

namespace umaya::named {

namespace {

class Message : public TransferMessage {
 public:
  Message(std::span<char> out, std::string_view head, TransferFormat format, std::string_view apex)
      : TransferMessage(out, head, format), apex_(apex) {}

  /// False when the record does not fit, and nothing is added.
  bool add(const ZoneRecord& record) {
    return add_record([&] {
      return put_owner(record.owner) && put16(record.type) && put16(rr_class::kIn) && put16(record.ttl >> 16) &&
             put16(record.ttl & 0xFFFF) && put16(record.rdata.size()) && put(record.rdata);
    });
  }

 private:
  /// Labels up to the zone's name, which stands in the question.
  bool put_owner(std::string_view owner) {
    if (owner_at_ != 0 && owner == owner_) return put_pointer(owner_at_);
    owner_ = owner;
    if (owner.size() <= apex_.size()) {
      owner_at_ = kMessageHeader;
      return put_pointer(kMessageHeader);
    }
    owner_at_ = here();
    return put(owner.substr(0, owner.size() - apex_.size())) && put_pointer(kMessageHeader);
  }

  std::string_view apex_;
  std::string_view owner_;
};

bool begins_with_one_soa(const std::vector<ZoneRecord>& records) {
  auto is_soa = [](const ZoneRecord& record) { return record.type == type::kSoa; };
  return !records.empty() && is_soa(records.front()) && std::count_if(records.begin(), records.end(), is_soa) == 1;
}

}  // namespace

bool is_sendable(const ZoneChange& step) {
  return begins_with_one_soa(step.removed) && begins_with_one_soa(step.added);
}

ChangeStream::ChangeStream(std::vector<ZoneChange> steps, const Query& query, std::string_view packet,
                           TransferFormat format)
    : steps_(std::move(steps)), head_(transfer_head(query, packet)), format_(format) {
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
  Message message(out, head_, format_, apex);
  while (at_ < order_.size() && message.add(*order_[at_])) ++at_;
  if (message.count() == 0) return 0;
  message.finish();
  return message.size();
}

}  // namespace umaya::named
