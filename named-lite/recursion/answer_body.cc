#include "named-lite/recursion/answer_body.h"

#include <algorithm>

#include "libcommon/base/bytes.h"
#include "libcommon/base/strings.h"
#include "named-lite/dns/name.h"
#include "named-lite/dns/types.h"
#include "named-lite/dns/wire.h"

namespace umaya::named {

namespace {

constexpr size_t kMostBody = 65535 - 64;  // room for OPT, cookie and extended error
constexpr size_t kMostNames = 512;
constexpr size_t kLastPointer = 0x3FFF;

/// Octets of a name in wire form without pointers.
size_t name_size(std::string_view data) {
  size_t at = 0;
  while (at < data.size() && data[at] != 0) at += 1 + size_t{static_cast<unsigned char>(data[at])};
  return std::min(at + 1, data.size());
}

}  // namespace

AnswerBody::AnswerBody(std::string_view question) : base_(kMessageHeader + question.size() + 4) {
  remember(question, kMessageHeader);
}

void AnswerBody::remember(std::string_view wire, size_t at) {
  for (; wire.size() > 1 && at <= kLastPointer && names_.size() < kMostNames; wire = parent_of(wire)) {
    names_.emplace(lower_of(wire), static_cast<uint16_t>(at));
    at += 1 + size_t{static_cast<unsigned char>(wire[0])};
  }
}

void AnswerBody::name(std::string_view wire) {
  std::string_view rest = wire;
  size_t start = base_ + out_.size();
  std::string lower = lower_of(wire);
  while (rest.size() > 1) {
    auto known = names_.find(lower.substr(lower.size() - rest.size()));
    if (known != names_.end()) {
      out_.append(wire.substr(0, wire.size() - rest.size()));
      ByteWriter(out_).be16(static_cast<uint16_t>(0xC000 | known->second));
      remember(wire, start);
      return;
    }
    rest = parent_of(rest);
  }
  out_.append(wire);
  remember(wire, start);
}

void AnswerBody::data(uint16_t type, std::string_view rdata) {
  for (char kind : type_layout(type)) {
    size_t field = kind == 'n' ? name_size(rdata) : kind == 'w' ? 2 : kind == 'd' || kind == 't' ? 4 : rdata.size();
    field = std::min(field, rdata.size());
    if (kind == 'n') {
      name(rdata.substr(0, field));
    } else {
      out_.append(rdata.substr(0, field));
    }
    rdata.remove_prefix(field);
  }
  out_.append(rdata);
}

bool AnswerBody::record(const RrSet& set, uint16_t type, uint32_t ttl, std::string_view rdata) {
  name(set.owner);
  size_t fixed = out_.size();
  ByteWriter(out_).be16(type).be16(rr_class::kIn).be32(ttl).be16(0);
  if (type_layout(type).find('n') != std::string_view::npos) {
    data(type, rdata);
  } else {
    out_.append(rdata);
  }
  size_t size = out_.size() - fixed - 10;
  if (base_ + out_.size() > kMostBody) return false;
  out_[fixed + 8] = static_cast<char>(size >> 8);
  out_[fixed + 9] = static_cast<char>(size);
  ttl_offsets_.push_back(static_cast<uint16_t>(fixed + 4));
  ttl_ = std::min(ttl_, ttl);
  return true;
}

bool AnswerBody::add(Section section, const RrSet& set, bool with_signatures) {
  size_t size = out_.size();
  size_t offsets = ttl_offsets_.size();
  size_t count = 0;
  bool fits = true;
  for (size_t i = 0; i < set.data.size() && fits; ++i, ++count) fits = record(set, set.type, set.ttl, set.data[i]);
  for (size_t i = 0; with_signatures && i < set.signatures.size() && fits; ++i, ++count) {
    fits = record(set, type::kRrsig, set.signature_ttl, set.signatures[i]);
  }
  if (!fits) {
    out_.resize(size);
    ttl_offsets_.resize(offsets);
    std::erase_if(names_, [&](const auto& known) { return known.second >= base_ + size; });
    return false;
  }
  auto& total = counts_[static_cast<size_t>(section)];
  total = static_cast<uint16_t>(total + count);
  return true;
}

void AnswerBody::finish(RecursiveAnswer& answer) {
  std::copy(std::begin(counts_), std::end(counts_), std::begin(answer.counts));
  answer.body = std::move(out_);
  answer.ttl_offsets = std::move(ttl_offsets_);
  answer.ttl = ttl_ == UINT32_MAX ? 0 : ttl_;
}

}  // namespace umaya::named
