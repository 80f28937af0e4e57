#include "named-lite/transfer/zone_stream.h"

#include "named-lite/dns/types.h"
#include "named-lite/dns/wire.h"
#include "named-lite/transfer/transfer_message.h"
#include "named-lite/transfer/transfer_question.h"

namespace umaya::named {

namespace {

/// Octets of the record that begins here.
size_t record_size(std::string_view data, size_t at) {
  return size_t{12} + be16_at(data, at + 10);
}

}  // namespace

class ZoneStream::Message : public TransferMessage {
 public:
  using TransferMessage::TransferMessage;

  /// Adds a record as an image holds it; false when it does not fit, and nothing is added.
  bool add(const Node& node, uint16_t type, std::string_view record) {
    return add_record([&] { return put_owner(node) && put(record.substr(2, 10)) && put_data(node, type, record); });
  }

 private:
  bool put_owner(const Node& node) {
    if (&node == node_ && owner_at_ != 0) return put_pointer(owner_at_);
    node_ = &node;
    owner_at_ = node.name_size == 0 ? kMessageHeader : here();
    if (owner_at_ == kMessageHeader) return put_pointer(kMessageHeader);
    // Labels up to the zone's name; the root is never spelt out here, for even the root zone has its name in front.
    return put(node.written_labels()) && put_pointer(kMessageHeader);
  }

  /// The suffix of the node's name that begins `from` octets into it.
  bool put_suffix(const Node& node, size_t from) {
    size_t labels = node.name_size;
    if (from >= labels) return put_pointer(kMessageHeader + from - labels);
    if (owner_at_ != 0) return put_pointer(owner_at_ + from);
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

  const Node* node_ = nullptr;  // whose name stands at owner_at_
};

ZoneStream::ZoneStream(ImagePtr image, const Query& query, std::string_view packet, Extent extent,
                       TransferFormat format)
    : image_(std::move(image)),
      head_(transfer_head(query, packet)),
      extent_(extent),
      format_(format),
      node_(image_->next(cursor_)) {}

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
  Message message(out, head_, format_);
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
