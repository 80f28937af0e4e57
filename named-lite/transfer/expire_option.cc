#include "named-lite/transfer/expire_option.h"

#include <cstring>

#include "libcommon/base/bytes.h"
#include "named-lite/answer/query.h"
#include "named-lite/dns/types.h"
#include "named-lite/dns/wire_record.h"

namespace umaya::named {

namespace {

constexpr uint16_t kUdpSize = 1232;
constexpr size_t kAdditionalCount = 10;  // where it stands in a message

std::string opt_record(std::string_view options) {
  std::string record(1, '\0');
  ByteWriter out(record);
  out.be16(type::kOpt).be16(kUdpSize).be32(0).be16(static_cast<uint16_t>(options.size())).bytes(options);
  return record;
}

std::optional<uint32_t> expire_in_options(std::string_view options) {
  ByteReader in(options);
  while (!in.at_end()) {
    uint16_t code = in.be16();
    std::string_view value = in.bytes(in.be16());
    if (!in.ok()) return std::nullopt;
    if (code == edns_option::kExpire && value.size() == 4) return be32_at(value, 0);
  }
  return std::nullopt;
}

}  // namespace

void ask_for_expire(std::string& question) {
  std::string option;
  ByteWriter(option).be16(edns_option::kExpire).be16(0);
  question += opt_record(option);
  ++question[kAdditionalCount + 1];
}

std::optional<uint32_t> expire_in_answer(std::string_view message) {
  if (message.size() < kMessageHeader) return std::nullopt;
  size_t at = kMessageHeader;
  std::string name;
  for (uint16_t i = be16_at(message, 4); i > 0; --i) {
    if (!expand_name(message, at, message.size(), name) || message.size() - at < 4) return std::nullopt;
    at += 4;
    name.clear();
  }
  size_t records = 0;
  for (size_t count : {6, 8, 10}) records += be16_at(message, count);
  WireRecord record;
  for (; records > 0; --records) {
    if (!read_record(message, at, record)) return std::nullopt;
    if (record.type == type::kOpt) return expire_in_options(record.rdata);
  }
  return std::nullopt;
}

std::string expire_option(uint32_t seconds) {
  std::string option;
  ByteWriter(option).be16(edns_option::kExpire).be16(4).be32(seconds);
  return option;
}

size_t opt_size(std::string_view options) {
  return opt_record({}).size() + options.size();
}

size_t add_opt(std::span<char> out, size_t size, std::string_view options) {
  std::string record = opt_record(options);
  if (out.size() - size < record.size()) return size;
  std::memcpy(out.data() + size, record.data(), record.size());
  ++out[kAdditionalCount + 1];
  return size + record.size();
}

}  // namespace umaya::named
