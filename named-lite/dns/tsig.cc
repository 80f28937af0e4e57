#include "named-lite/dns/tsig.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>

#include "libcommon/base/bytes.h"
#include "libcommon/base/strings.h"
#include "named-lite/dns/types.h"

namespace umaya::named {

namespace {

constexpr uint16_t kFudge = 300;
constexpr size_t kHeader = 12;
constexpr size_t kLeastMac = 10;
constexpr size_t kMostUnsigned = 99;

struct AlgorithmInfo {
  TsigAlgorithm algorithm;
  std::string_view wire_name;
  std::string_view word;  // in named.conf
  const char* digest;
  size_t size;  // of the digest, octets
};

constexpr AlgorithmInfo kAlgorithms[] = {
    {TsigAlgorithm::md5, "hmac-md5.sig-alg.reg.int", "hmac-md5", "MD5", 16},
    {TsigAlgorithm::sha1, "hmac-sha1", "hmac-sha1", "SHA1", 20},
    {TsigAlgorithm::sha224, "hmac-sha224", "hmac-sha224", "SHA224", 28},
    {TsigAlgorithm::sha256, "hmac-sha256", "hmac-sha256", "SHA256", 32},
    {TsigAlgorithm::sha384, "hmac-sha384", "hmac-sha384", "SHA384", 48},
    {TsigAlgorithm::sha512, "hmac-sha512", "hmac-sha512", "SHA512", 64},
};

const AlgorithmInfo& info(TsigAlgorithm algorithm) {
  return kAlgorithms[static_cast<size_t>(algorithm)];
}

Name algorithm_wire(TsigAlgorithm algorithm) {
  return *Name::from_text(info(algorithm).wire_name);
}

/// The whole digest of the algorithm.
std::string hmac(const TsigKey& key, std::string_view text) {
  const EVP_MD* digest = EVP_get_digestbyname(info(key.algorithm).digest);
  unsigned char out[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  if (digest == nullptr ||
      HMAC(digest, key.secret.data(), static_cast<int>(key.secret.size()),
           reinterpret_cast<const unsigned char*>(text.data()), text.size(), out, &size) == nullptr) {
    return {};
  }
  return {reinterpret_cast<char*>(out), size};
}

void put_time(ByteWriter& out, uint64_t time) {
  out.be16(static_cast<uint16_t>(time >> 32)).be32(static_cast<uint32_t>(time));
}

/// What stands beside the message under a MAC (RFC 8945 4.3.3).
struct Variables {
  const Name& key;
  const Name& algorithm;
  uint64_t time = 0;
  uint16_t fudge = 0;
  uint16_t error = 0;
  std::string_view other{};
};

void put_variables(std::string& text, const Variables& v) {
  ByteWriter out(text);
  out.bytes(v.key.wire()).be16(rr_class::kAny).be32(0).bytes(v.algorithm.wire());
  put_time(out, v.time);
  out.be16(v.fudge).be16(v.error).be16(static_cast<uint16_t>(v.other.size())).bytes(v.other);
}

void put_timers(std::string& text, uint64_t time, uint16_t fudge) {
  ByteWriter out(text);
  put_time(out, time);
  out.be16(fudge);
}

void put_mac(std::string& text, std::string_view mac) {
  ByteWriter(text).be16(static_cast<uint16_t>(mac.size())).bytes(mac);
}

/// The message as it was before it was signed: without the record, under its first id.
void put_unsigned(std::string& text, std::string_view message, const TsigRecord& record) {
  size_t start = text.size();
  text.append(message.substr(0, record.offset));
  text[start] = static_cast<char>(record.original_id >> 8);
  text[start + 1] = static_cast<char>(record.original_id);
  auto count = static_cast<uint16_t>(static_cast<unsigned char>(text[start + 10]) << 8 |
                                     static_cast<unsigned char>(text[start + 11]));
  --count;
  text[start + 10] = static_cast<char>(count >> 8);
  text[start + 11] = static_cast<char>(count);
}

bool skip_name(ByteReader& in) {
  while (in.ok()) {
    uint8_t length = in.u8();
    if (length == 0) return in.ok();
    if (length >= 0xC0) {
      in.u8();
      return in.ok();
    }
    if (length > kMaxLabel) return false;
    in.bytes(length);
  }
  return false;
}

/// A name without pointers.
bool read_name(ByteReader& in, std::string_view whole, Name& name) {
  size_t start = in.position();
  while (in.ok() && in.position() - start <= kMaxName) {
    uint8_t length = in.u8();
    if (!in.ok() || length > kMaxLabel) return false;
    in.bytes(length);
    if (!in.ok() || in.position() - start > kMaxName) return false;
    if (length > 0) continue;
    name = Name::from_wire(whole.substr(start, in.position() - start)).lower();
    return true;
  }
  return false;
}

/// The record that begins at record.offset, which is the last of the message.
bool read_record(std::string_view message, TsigRecord& record) {
  ByteReader in(message.substr(record.offset));
  if (!read_name(in, message.substr(record.offset), record.key)) return false;
  in.be16();
  if (in.be16() != rr_class::kAny || in.be32() != 0) return false;
  std::string_view data = in.bytes(in.be16());
  if (!in.at_end()) return false;
  ByteReader fields(data);
  if (!read_name(fields, data, record.algorithm)) return false;
  record.time = static_cast<uint64_t>(fields.be16()) << 32;
  record.time |= fields.be32();
  record.fudge = fields.be16();
  record.mac = fields.bytes(fields.be16());
  record.original_id = fields.be16();
  record.error = fields.be16();
  record.other = fields.bytes(fields.be16());
  return fields.at_end();
}

/// MACs of equal length are compared without telling by time where they differ.
bool same_mac(std::string_view mac, std::string_view whole) {
  return !mac.empty() && mac.size() <= whole.size() && CRYPTO_memcmp(mac.data(), whole.data(), mac.size()) == 0;
}

/// RFC 8945 5.2.2.1: not longer than the digest, not shorter than 10 octets and half of it.
bool possible_size(std::string_view mac, const TsigKey& key) {
  size_t whole = info(key.algorithm).size;
  return mac.size() <= whole && mac.size() >= std::max(kLeastMac, whole / 2);
}

bool in_time(uint64_t now, const TsigRecord& record) {
  uint64_t apart = now > record.time ? now - record.time : record.time - now;
  return apart <= record.fudge;
}

}  // namespace

Result<> set_algorithm(TsigKey& key, std::string_view text) {
  std::string lower = to_lower(text);
  if (lower.ends_with('.')) lower.pop_back();
  for (const AlgorithmInfo& each : kAlgorithms) {
    std::string_view rest = lower;
    if (rest.starts_with(each.wire_name)) {
      rest.remove_prefix(each.wire_name.size());
    } else if (rest.starts_with(each.word)) {
      rest.remove_prefix(each.word.size());
    } else {
      continue;
    }
    key.algorithm = each.algorithm;
    key.mac_size = each.size;
    if (rest.empty()) return {};
    auto bits = parse_uint(rest.substr(1));
    size_t least = std::max(kLeastMac, each.size / 2) * 8;
    if (rest[0] == '-' && bits && *bits % 8 == 0 && *bits >= least && *bits <= each.size * 8) {
      key.mac_size = *bits / 8;
      return {};
    }
    return permanent("a MAC of " + std::string(each.word) + " has " + std::to_string(least) + " to " +
                     std::to_string(each.size * 8) + " bits, a multiple of 8");
  }
  return permanent("\"" + std::string(text) +
                   "\" is no algorithm: there are hmac-sha256, hmac-sha512, hmac-sha384, hmac-sha224, hmac-sha1 and "
                   "hmac-md5");
}

const TsigKey* find_key(const TsigKeys& keys, std::string_view name) {
  for (const TsigKey& key : keys) {
    if (same_name(key.name.wire(), name)) return &key;
  }
  return nullptr;
}

std::string_view tsig_error_name(TsigError error) {
  switch (error) {
    case TsigError::none:
      return "NOERROR";
    case TsigError::bad_signature:
      return "BADSIG";
    case TsigError::bad_key:
      return "BADKEY";
    case TsigError::bad_time:
      return "BADTIME";
    case TsigError::bad_truncation:
      return "BADTRUNC";
  }
  return "?";
}

TsigFound find_tsig(std::string_view message, TsigRecord& record) {
  if (message.size() < kHeader) return TsigFound::malformed;
  ByteReader in(message);
  in.be32();
  uint16_t questions = in.be16();
  uint32_t records = in.be16();
  records += in.be16();
  uint16_t additional = in.be16();
  records += additional;
  for (uint16_t i = 0; i < questions; ++i) {
    if (!skip_name(in)) return TsigFound::malformed;
    in.be32();
  }
  for (uint32_t i = 0; i < records; ++i) {
    size_t start = in.position();
    if (!skip_name(in)) return TsigFound::malformed;
    uint16_t type = in.be16();
    in.be16();
    in.be32();
    in.bytes(in.be16());
    if (!in.ok()) return TsigFound::malformed;
    if (type != type::kTsig) continue;
    if (i + 1 != records || additional == 0 || !in.at_end()) return TsigFound::malformed;
    record = TsigRecord();
    record.offset = start;
    return read_record(message, record) ? TsigFound::yes : TsigFound::malformed;
  }
  return in.ok() ? TsigFound::no : TsigFound::malformed;
}

TsigCheck verify_request(std::string_view message, const TsigRecord& record, const TsigKeys& keys, uint64_t now) {
  TsigCheck check;
  check.key_name = record.key;
  check.algorithm = record.algorithm;
  check.mac = record.mac;
  check.time = record.time;
  const TsigKey* key = find_key(keys, record.key.wire());
  if (key == nullptr || !same_name(algorithm_wire(key->algorithm).wire(), record.algorithm.wire())) {
    check.error = TsigError::bad_key;
    return check;
  }
  check.key = key;
  if (!possible_size(record.mac, *key)) {
    check.malformed = true;
    return check;
  }
  std::string text;
  put_unsigned(text, message, record);
  put_variables(text, {record.key, record.algorithm, record.time, record.fudge, record.error, record.other});
  if (!same_mac(record.mac, hmac(*key, text))) {
    check.error = TsigError::bad_signature;
  } else if (!in_time(now, record)) {
    check.error = TsigError::bad_time;
  } else if (record.mac.size() < key->mac_size) {
    check.error = TsigError::bad_truncation;
  }
  return check;
}

TsigSigner::TsigSigner(const TsigKey& key)
    : key_(&key), key_name_(key.name), algorithm_(algorithm_wire(key.algorithm)) {}

TsigSigner::TsigSigner(const TsigCheck& check)
    : key_(check.error == TsigError::bad_signature ? nullptr : check.key),
      key_name_(check.key_name),
      algorithm_(check.algorithm),
      error_(check.error),
      request_time_(check.time),
      mac_(check.mac) {}

size_t TsigSigner::room() const {
  constexpr size_t kFixed = 10 + 16 + 6;  // of the record, of its data, the server's time
  return key_name_.size() + algorithm_.size() + kFixed + (key_ != nullptr ? key_->mac_size : 0);
}

bool TsigSigner::sign(std::string& message, uint64_t now) {
  size_t size = message.size();
  message.resize(size + room());
  size_t signed_size = sign(std::span(message), size, now);
  message.resize(signed_size);
  return signed_size > 0;
}

size_t TsigSigner::sign(std::span<char> buffer, size_t size, uint64_t now) {
  if (size < kHeader || buffer.size() < size || buffer.size() - size < room()) return 0;
  std::string other;
  // The client learns the server's time, under its own (RFC 8945 5.2.3).
  uint64_t time = error_ == TsigError::bad_time ? request_time_ : now;
  if (error_ == TsigError::bad_time) {
    ByteWriter out(other);
    put_time(out, now);
  }
  std::string_view message(buffer.data(), size);
  std::string mac;
  if (key_ != nullptr) {
    std::string text;
    if (!mac_.empty()) put_mac(text, mac_);
    text.append(message);
    if (first_) {
      put_variables(text, {key_name_, algorithm_, time, kFudge, static_cast<uint16_t>(error_), other});
    } else {
      put_timers(text, time, kFudge);
    }
    mac = hmac(*key_, text).substr(0, key_->mac_size);
    if (mac.size() != key_->mac_size) return 0;
  }
  std::string record;
  ByteWriter out(record);
  size_t data_size = algorithm_.size() + 16 + mac.size() + other.size();
  out.bytes(key_name_.wire()).be16(type::kTsig).be16(rr_class::kAny).be32(0).be16(static_cast<uint16_t>(data_size));
  out.bytes(algorithm_.wire());
  put_time(out, time);
  out.be16(kFudge);
  put_mac(record, mac);
  out.bytes(message.substr(0, 2)).be16(static_cast<uint16_t>(error_));
  out.be16(static_cast<uint16_t>(other.size())).bytes(other);
  std::copy(record.begin(), record.end(), buffer.begin() + static_cast<std::ptrdiff_t>(size));
  auto count =
      static_cast<uint16_t>((static_cast<unsigned char>(buffer[10]) << 8 | static_cast<unsigned char>(buffer[11])) + 1);
  buffer[10] = static_cast<char>(count >> 8);
  buffer[11] = static_cast<char>(count);
  mac_ = std::move(mac);
  first_ = false;
  return size + record.size();
}

Result<> TsigStream::take(std::string_view message, uint64_t now) {
  TsigRecord record;
  TsigFound found = find_tsig(message, record);
  if (found == TsigFound::malformed) return permanent("the message is malformed");
  if (found == TsigFound::no) {
    if (first_) return permanent("the answer is not signed");
    if (++unsigned_ > kMostUnsigned) return permanent("too many messages in a row are not signed");
    pending_.append(message);
    return {};
  }
  if (!same_name(record.key.wire(), key_->name.wire()) ||
      !same_name(record.algorithm.wire(), algorithm_wire(key_->algorithm).wire())) {
    return permanent("the answer is signed with another key");
  }
  auto error = static_cast<TsigError>(record.error);
  if (error == TsigError::bad_key || error == TsigError::bad_signature) {
    return permanent("the server says " + std::string(tsig_error_name(error)));
  }
  std::string text;
  put_mac(text, mac_);
  text += pending_;
  put_unsigned(text, message, record);
  if (first_) {
    put_variables(text, {record.key, record.algorithm, record.time, record.fudge, record.error, record.other});
  } else {
    put_timers(text, record.time, record.fudge);
  }
  if (!same_mac(record.mac, hmac(*key_, text)) || record.mac.size() < key_->mac_size) {
    return permanent("the signature is wrong");
  }
  if (error != TsigError::none) return permanent("the server says " + std::string(tsig_error_name(error)));
  if (!in_time(now, record)) return permanent("the signature is of another time: are both clocks right?");
  mac_ = record.mac;
  pending_.clear();
  unsigned_ = 0;
  first_ = false;
  return {};
}

}  // namespace umaya::named
