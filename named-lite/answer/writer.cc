#include "named-lite/answer/writer.h"

#include <algorithm>

#include "named-lite/dns/types.h"

namespace umaya::named {

namespace {

constexpr uint16_t kOurUdpSize = 1232;
constexpr uint16_t kExtendedError = 15;  // the option

/// Octets that two names have in common from the right, in whole labels, the root included. Both in lower case.
size_t shared_suffix(std::string_view a, std::string_view b) {
  while (a.size() > b.size()) a = parent_of(a);
  while (b.size() > a.size()) b = parent_of(b);
  // Sizes may pass each other once more when labels differ in length.
  while (a != b) {
    if (a.size() >= b.size()) {
      a = parent_of(a);
    } else {
      b = parent_of(b);
    }
    while (a.size() > b.size()) a = parent_of(a);
    while (b.size() > a.size()) b = parent_of(b);
  }
  return a.size();
}

/// Whether data of a type hold names that are compressed (RFC 1035 3.3): NS to MR, PTR, MINFO, MX.
bool has_compressed_names(uint16_t type) {
  constexpr uint32_t kTypes =
      1u << 2 | 1u << 3 | 1u << 4 | 1u << 5 | 1u << 6 | 1u << 7 | 1u << 8 | 1u << 9 | 1u << 12 | 1u << 14 | 1u << 15;
  return type < 32 && (kTypes >> type & 1) != 0;
}

/// Octets of the records before number n.
size_t offset_of_record(std::string_view data, const RrsetEntry& entry, size_t n) {
  if (entry.type == type::kA || entry.type == type::kAaaa) return n * Writer::record_size(data, 0);
  size_t at = 0;
  for (; n > 0; --n) at += Writer::record_size(data, at);
  return at;
}

}  // namespace

Writer::Writer(const Query& query, std::string_view packet, std::span<char> out, size_t limit, std::string_view options)
    : query_(query),
      out_(out),
      options_(options),
      whole_limit_(std::min(limit, out.size())),
      limit_(whole_limit_ - (query.has_edns ? kOptSize + options.size() : 0)) {
  if (!query.has_question) return;
  size_t size = query.name.size() + 4;
  std::memcpy(out_.data() + kHeader, packet.data() + kHeader, size);
  at_ = body_ = kHeader + size;
}

bool Writer::append(Section section, const ZoneImage& image, const Node& node, const RrsetEntry& entry, uint16_t owner,
                    size_t first) {
  size_t before = at_;
  bool same_owner = owner == pointer_to(kHeader) && image.is_name(node, query_.lower_name());
  std::string_view data = image.data(entry);
  size_t turn = first == 0 ? 0 : offset_of_record(data, entry, first);
  bool has_names = has_compressed_names(entry.type);
  bool fits = same_owner || !has_names ? put(data.substr(turn)) && (turn == 0 || put(data.substr(0, turn)))
                                       : append_moved(image, node, entry, turn, owner);
  if (!fits) {
    at_ = before;
    return false;
  }
  if (!same_owner && !has_names) {
    for (size_t record = before; record < at_; record = next_record(record)) be16(record, owner);
  }
  auto& count = counts_[static_cast<size_t>(section)];
  count = static_cast<uint16_t>(count + entry.count);
  return true;
}

/// One name of the data: labels, then the root or a pointer into the owner that the data were compiled for.
bool Writer::move_name(std::string_view data, size_t& at, std::string_view owner, size_t shared) {
  size_t start = at;
  while (true) {
    auto length = static_cast<unsigned char>(data[at]);
    if (length == 0) return put(data.substr(start, ++at - start));
    if (length >= 0xC0) break;
    at += 1 + static_cast<size_t>(length);
  }
  if (!put(data.substr(start, at - start))) return false;
  size_t target = (static_cast<size_t>(static_cast<unsigned char>(data[at]) & 0x3F) << 8 |
                   static_cast<unsigned char>(data[at + 1])) -
                  kHeader;
  at += 2;
  std::string_view rest = owner.substr(target);
  while (rest.size() > shared) {
    if (!put(rest.substr(0, 1 + static_cast<size_t>(static_cast<unsigned char>(rest[0]))))) return false;
    rest = parent_of(rest);
  }
  if (rest.size() == 1) return put(std::string_view("\0", 1));
  uint16_t pointer = suffix_pointer(rest.size());
  char octets[2] = {static_cast<char>(pointer >> 8), static_cast<char>(pointer)};
  return put({octets, 2});
}

bool Writer::append_moved(const ZoneImage& image, const Node& node, const RrsetEntry& entry, size_t turn,
                          uint16_t owner) {
  std::string_view data = image.data(entry);
  std::string_view layout = type_layout(entry.type);
  OwnerName name = image.name(node);
  size_t shared = shared_suffix(name, query_.lower_name());
  size_t at = turn;
  for (size_t left = data.size(); left > 0;) {
    if (at == data.size()) at = 0;
    size_t size = record_size(data, at) - 12;
    size_t record = at_;
    if (!put(data.substr(at, 12))) return false;
    be16(record, owner);
    std::string_view rdata = data.substr(at + 12, size);
    at += 12 + size;
    left -= 12 + size;
    size_t from = 0;
    for (char kind : layout) {
      if (kind == 'n') {
        if (!move_name(rdata, from, name, shared)) return false;
        continue;
      }
      size_t field = kind == 'w' ? 2 : 4;  // only MX and SOA mix names and numbers
      if (!put(rdata.substr(from, field))) return false;
      from += field;
    }
    be16(record + 10, static_cast<uint16_t>(at_ - record - 12));
  }
  return true;
}

size_t Writer::append_cname(uint16_t owner, std::string_view ttl, std::string_view target) {
  char head[12] = {0, 0, 0, type::kCname, 0, rr_class::kIn};
  std::memcpy(head + 6, ttl.data(), 4);
  head[11] = static_cast<char>(target.size());
  size_t record = at_;
  if (!put({head, sizeof head}) || !put(target)) {
    at_ = record;
    return 0;
  }
  be16(record, owner);
  ++counts_[0];
  return record + 12;
}

bool Writer::append_text(uint16_t cls, std::string_view text) {
  char head[13] = {'\xC0', kHeader, 0, type::kTxt, static_cast<char>(cls >> 8), static_cast<char>(cls)};
  head[12] = static_cast<char>(text.size());
  size_t before = at_;
  if (!put({head, sizeof head}) || !put(text)) {
    at_ = before;
    return false;
  }
  be16(before + 10, static_cast<uint16_t>(text.size() + 1));
  ++counts_[0];
  return true;
}

void Writer::set_ttl(size_t record, uint32_t ttl) {
  be16(record + 6, static_cast<uint16_t>(ttl >> 16));
  be16(record + 8, static_cast<uint16_t>(ttl));
}

size_t Writer::suffix_offset(size_t name, size_t labels) const {
  while (true) {
    auto length = static_cast<unsigned char>(out_[name]);
    if (length >= 0xC0) {
      name = static_cast<size_t>(length & 0x3F) << 8 | static_cast<unsigned char>(out_[name + 1]);
    } else if (labels == 0) {
      return name;
    } else {
      name += 1 + static_cast<size_t>(length);
      --labels;
    }
  }
}

void Writer::truncate() {
  at_ = body_;
  std::fill(std::begin(counts_), std::end(counts_), uint16_t{0});
  truncated_ = true;
}

size_t Writer::finish() {
  be16(0, query_.id);
  auto flags =
      static_cast<uint16_t>(0x8000 | query_.opcode << 11 | (authoritative_ ? 0x0400 : 0) | (truncated_ ? 0x0200 : 0) |
                            (query_.recursion_desired ? 0x0100 : 0) | (recursion_available_ ? 0x0080 : 0) |
                            (authentic_ ? 0x0020 : 0) | (query_.checking_disabled ? 0x0010 : 0) | (rcode_ & 15));
  be16(2, flags);
  be16(4, query_.has_question ? 1 : 0);
  be16(6, counts_[0]);
  be16(8, counts_[1]);
  be16(10, static_cast<uint16_t>(counts_[2] + (query_.has_edns ? 1 : 0)));
  if (query_.has_edns) write_opt();
  return at_;
}

/// RFC 6891 6.1.3; DO comes back (RFC 3225 3), and an extended error (RFC 8914 2) where there is room.
void Writer::write_opt() {
  size_t start = at_;
  std::memset(out_.data() + start, 0, kOptSize);
  be16(start + 1, type::kOpt);
  be16(start + 3, kOurUdpSize);
  out_[start + 5] = static_cast<char>(rcode_ >> 4);
  out_[start + 7] = static_cast<char>(query_.dnssec_ok ? 0x80 : 0);
  at_ += kOptSize;
  if (!options_.empty()) std::memcpy(out_.data() + at_, options_.data(), options_.size());
  at_ += options_.size();
  if (extended_error_ != extended_error::kNone && at_ + 6 <= whole_limit_) {
    be16(at_, kExtendedError);
    be16(at_ + 2, 2);
    be16(at_ + 4, extended_error_);
    at_ += 6;
  }
  be16(start + 9, static_cast<uint16_t>(at_ - start - kOptSize));
}

bool Writer::expand(size_t offset, Name& name) const {
  char wire[kMaxName];
  size_t size = 0;
  size_t at = offset;
  for (int jumps = 0; jumps < 128;) {
    auto length = static_cast<unsigned char>(out_[at]);
    if (length >= 0xC0) {
      at = static_cast<size_t>(length & 0x3F) << 8 | static_cast<unsigned char>(out_[at + 1]);
      ++jumps;
      continue;
    }
    if (size + 1 + length > kMaxName) return false;
    std::memcpy(wire + size, out_.data() + at, 1 + static_cast<size_t>(length));
    size += 1 + static_cast<size_t>(length);
    at += 1 + static_cast<size_t>(length);
    if (length == 0) {
      name = Name::from_wire({wire, size});
      return true;
    }
  }
  return false;
}

}  // namespace umaya::named
