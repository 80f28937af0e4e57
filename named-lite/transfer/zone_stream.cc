#include "named-lite/transfer/zone_stream.h"

#include <cstring>

#include "named-lite/dns/types.h"
#include "named-lite/dns/wire.h"
#include "named-lite/transfer/transfer_question.h"

namespace umaya::named {

namespace {

constexpr size_t kMostPointed = 0x4000;

/// Octets of the record that begins here.
size_t record_size(std::string_view data, size_t at) {
  return size_t{12} + be16_at(data, at + 10);
}

}  // namespace

/// One message while it is written.
class ZoneStream::Message {
 public:
  Message(std::span<char> out, std::string_view head) : out_(out) { put(head); }
  size_t size() const { return at_; }
  uint16_t count() const { return count_; }

  /// Adds a record as an image holds it; false when it does not fit, and nothing is added.
  bool add(const Node& node, uint16_t type, std::string_view record) {
    size_t before = at_;
    if (count_ == UINT16_MAX || !put_owner(node) || !put(record.substr(2, 10)) || !put_data(node, type, record)) {
      at_ = before;
      if (owner_ >= before) owner_ = 0;
      return false;
    }
    ++count_;
    return true;
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

  bool put_pointer(size_t to) {
    char octets[2] = {static_cast<char>(0xC0 | to >> 8), static_cast<char>(to)};
    return put({octets, 2});
  }

  bool put_owner(const Node& node) {
    if (&node == node_ && owner_ != 0) return put_pointer(owner_);
    node_ = &node;
    owner_ = node.name_size == 0 ? kMessageHeader : at_ < kMostPointed ? at_ : 0;
    if (owner_ == kMessageHeader) return put_pointer(kMessageHeader);
    // Labels up to the zone's name; the root is never spelt out here, for even the root zone has its name in front.
    return put(node.written_labels()) && put_pointer(kMessageHeader);
  }

  /// The suffix of the node's name that begins `from` octets into it.
  bool put_suffix(const Node& node, size_t from) {
    size_t labels = node.name_size;
    if (from >= labels) return put_pointer(kMessageHeader + from - labels);
    if (owner_ != 0) return put_pointer(owner_ + from);
    return put(node.written_labels().substr(from)) && put_pointer(kMessageHeader);
  }

  /// One name of the data: labels, then the root or a pointer into the owner at offset 12.
  bool put_name(const Node& node, std::string_view data, size_t& at) {
    size_t start = at;
    while (true) {
      auto length = static_cast<unsigned char>(data[at]);
      if (length == 0) return put(data.substr(start, ++at - start));
      if (length >= 0xC0) break;
      at += 1 + static_cast<size_t>(length);
    }
    if (!put(data.substr(start, at - start))) return false;
    size_t target = (be16_at(data, at) & 0x3FFF) - kMessageHeader;
    at += 2;
    return put_suffix(node, target);
  }

  bool put_data(const Node& node, uint16_t type, std::string_view record) {
    std::string_view data = record.substr(12);
    std::string_view layout = type_layout(type);
    if (layout.find('n') == std::string_view::npos) return put(data);
    size_t length_at = at_ - 2;
    size_t from = 0;
    for (char kind : layout) {
      if (kind == 'n') {
        if (!put_name(node, data, from)) return false;
        continue;
      }
      size_t field = kind == 'w' ? 2 : 4;  // only MX and SOA mix names and numbers
      if (!put(data.substr(from, field))) return false;
      from += field;
    }
    size_t size = at_ - length_at - 2;
    out_[length_at] = static_cast<char>(size >> 8);
    out_[length_at + 1] = static_cast<char>(size);
    return true;
  }

  std::span<char> out_;
  size_t at_ = 0;
  uint16_t count_ = 0;
  const Node* node_ = nullptr;
  size_t owner_ = 0;  // where node_'s name stands; 0: out of a pointer's reach
};

ZoneStream::ZoneStream(ImagePtr image, const Query& query, std::string_view packet, Extent extent)
    : image_(std::move(image)), head_(transfer_head(query, packet)), extent_(extent), node_(image_->next(cursor_)) {}

bool ZoneStream::put_soa(Message& message) {
  const Node& apex = image_->apex();
  std::string_view data = image_->data(*apex.find(type::kSoa));
  return message.add(apex, type::kSoa, data.substr(0, record_size(data, 0)));
}

void ZoneStream::to_next_record(std::string_view data, size_t size) {
  at_ += size;
  if (at_ < data.size()) return;
  at_ = 0;
  ++set_;
}

/// False when the message is full.
bool ZoneStream::put_nodes(Message& message) {
  while (node_ != nullptr) {
    const Node& node = *node_;
    while (set_ < node.rrset_count) {
      const RrsetEntry& entry = node.rrsets()[set_];
      if (&node == &image_->apex() && entry.type == type::kSoa) {
        ++set_;
        continue;
      }
      std::string_view data = image_->data(entry);
      size_t size = record_size(data, at_);
      if (!message.add(node, entry.type, data.substr(at_, size))) return false;
      to_next_record(data, size);
    }
    set_ = 0;
    node_ = image_->next(cursor_);
  }
  return true;
}

size_t ZoneStream::next(std::span<char> out) {
  if (stage_ == Stage::end || out.size() < head_.size()) return 0;
  Message message(out, head_);
  bool full = false;
  if (stage_ == Stage::first_soa) {
    full = !put_soa(message);
    if (!full) stage_ = extent_ == Extent::soa ? Stage::end : Stage::nodes;
  }
  if (stage_ == Stage::nodes) {
    full = !put_nodes(message);
    if (!full) stage_ = Stage::last_soa;
  }
  if (stage_ == Stage::last_soa && !full && put_soa(message)) stage_ = Stage::end;
  if (message.count() == 0) return 0;
  records_ += message.count();
  message.finish();
  return message.size();
}

}  // namespace umaya::named
