// NAME    bytes - growing byte buffer, and cursors over binary formats
//
// SYNOPSIS
//     Buffer in;  in.append(span);  in.view();  in.consume(n);
//     ByteWriter w(out);  w.u32(7).bytes("abc");
//     ByteReader r(data);  auto n = r.u32();  if (!r.ok()) …
//
// DESCRIPTION
//     Buffer is a FIFO of bytes that gives its memory back when it is empty and has grown.
//     ByteReader never reads past its end: after the first short read ok() is false and every value is 0 or empty.
//     Numbers are little endian, except the be* forms (network order).
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace umaya {

class Buffer {
 public:
  /// The bytes that wait to be consumed; valid until the next change.
  std::string_view view() const { return {data_.get() + begin_, end_ - begin_}; }
  size_t size() const { return end_ - begin_; }
  bool empty() const { return begin_ == end_; }

  void append(std::string_view bytes) {
    if (bytes.empty()) return;
    std::memcpy(reserve(bytes.size()).data(), bytes.data(), bytes.size());
    end_ += bytes.size();
  }
  /// Room for at least n more bytes at the end; commit() says how many were filled in.
  std::span<char> reserve(size_t n);
  void commit(size_t n) { end_ += n; }
  /// Drops n bytes from the front.
  void consume(size_t n) {
    begin_ += n;
    if (begin_ == end_) clear();
  }
  /// Empties the buffer; a block larger than kKeep is given back.
  void clear();
  /// Empties the buffer and gives all memory back (an idle session holds none).
  void release() {
    data_.reset();
    capacity_ = begin_ = end_ = 0;
  }

 private:
  static constexpr size_t kKeep = 16 * 1024;
  std::unique_ptr<char[]> data_;
  size_t capacity_ = 0;
  size_t begin_ = 0;
  size_t end_ = 0;
};

class ByteWriter {
 public:
  explicit ByteWriter(std::string& out) : out_(out) {}
  ByteWriter& u8(uint8_t v) { return put(v); }
  ByteWriter& u16(uint16_t v) { return put(v); }
  ByteWriter& u32(uint32_t v) { return put(v); }
  ByteWriter& u64(uint64_t v) { return put(v); }
  ByteWriter& be16(uint16_t v) { return put(__builtin_bswap16(v)); }
  ByteWriter& be32(uint32_t v) { return put(__builtin_bswap32(v)); }
  ByteWriter& bytes(std::string_view v) {
    out_.append(v);
    return *this;
  }
  /// u32 length and the bytes.
  ByteWriter& string(std::string_view v) { return u32(static_cast<uint32_t>(v.size())).bytes(v); }

 private:
  template <class T>
  ByteWriter& put(T v) {
    char raw[sizeof v];
    std::memcpy(raw, &v, sizeof v);
    out_.append(raw, sizeof v);
    return *this;
  }
  std::string& out_;
};

class ByteReader {
 public:
  explicit ByteReader(std::string_view in) : in_(in) {}
  bool ok() const { return ok_; }
  bool at_end() const { return ok_ && position_ == in_.size(); }
  size_t position() const { return position_; }
  size_t remaining() const { return in_.size() - position_; }
  uint8_t u8() { return get<uint8_t>(); }
  uint16_t u16() { return get<uint16_t>(); }
  uint32_t u32() { return get<uint32_t>(); }
  uint64_t u64() { return get<uint64_t>(); }
  uint16_t be16() { return __builtin_bswap16(get<uint16_t>()); }
  uint32_t be32() { return __builtin_bswap32(get<uint32_t>()); }
  std::string_view bytes(size_t n) {
    if (!ok_ || n > remaining()) {
      ok_ = false;
      return {};
    }
    std::string_view v = in_.substr(position_, n);
    position_ += n;
    return v;
  }
  std::string_view string() { return bytes(u32()); }
  /// Marks the input as malformed from here on.
  void fail() { ok_ = false; }

 private:
  template <class T>
  T get() {
    T v{};
    std::string_view raw = bytes(sizeof v);
    if (ok_) std::memcpy(&v, raw.data(), sizeof v);
    return v;
  }
  std::string_view in_;
  size_t position_ = 0;
  bool ok_ = true;
};

}  // namespace umaya
