// NAME    codec - structs to bytes and back, for messages between our own processes
//
// SYNOPSIS
//     struct Request {
//       std::string sender;
//       std::vector<Recipient> recipients;
//       static constexpr std::string_view kName = "cleanup.request";
//       static void visit(auto& self, auto&& v) { v("sender", self.sender); v("recipients", self.recipients); }
//     };
//     std::string bytes = ipc::encode(request);
//     Result<Request> again = ipc::decode<Request>(bytes);
//
// DESCRIPTION
//     A message begins with a 32-bit mark made from the struct's name and the names and types of all its fields, so
//     that two processes of different versions refuse one another instead of misreading. Fields follow in order. Field
//     types: bool, integers, enums, std::string, std::vector, std::optional, and structs of the same form.
//
// ERRORS
//     decode() never trusts: a wrong mark, a length beyond the end, a bool that is neither 0 nor 1 or bytes left over
//     give a temporary error.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "libcommon/base/bytes.h"
#include "libcommon/base/result.h"

namespace umaya::ipc {

namespace detail {

template <class T>
inline constexpr bool is_vector = false;
template <class T>
inline constexpr bool is_vector<std::vector<T>> = true;
template <class T>
inline constexpr bool is_optional = false;
template <class T>
inline constexpr bool is_optional<std::optional<T>> = true;
template <class T>
concept Struct = requires {
  T::kName;
};

/// FNV-1a.
inline void mix(uint32_t& hash, std::string_view text) {
  for (unsigned char c : text) hash = (hash ^ c) * 16777619u;
}

template <class T>
void mix_type(uint32_t& hash) {
  if constexpr (Struct<T>) {
    mix(hash, T::kName);
    T sample{};
    T::visit(sample, [&hash]<class F>(std::string_view name, F&) {
      mix(hash, name);
      mix_type<std::remove_const_t<F>>(hash);
    });
  } else if constexpr (is_vector<T> || is_optional<T>) {
    mix(hash, is_vector<T> ? "[]" : "?");
    mix_type<typename T::value_type>(hash);
  } else if constexpr (std::is_same_v<T, std::string>) {
    mix(hash, "s");
  } else {
    char code[2] = {static_cast<char>('a' + sizeof(T)), 0};
    mix(hash, code);
  }
}

template <class T>
void put(ByteWriter& out, const T& value) {
  if constexpr (Struct<T>) {
    T::visit(value, [&out](std::string_view, const auto& field) { put(out, field); });
  } else if constexpr (is_vector<T>) {
    out.u32(static_cast<uint32_t>(value.size()));
    for (const auto& element : value) put(out, element);
  } else if constexpr (is_optional<T>) {
    out.u8(value.has_value());
    if (value) put(out, *value);
  } else if constexpr (std::is_same_v<T, std::string>) {
    out.string(value);
  } else if constexpr (sizeof(T) == 1) {
    out.u8(static_cast<uint8_t>(value));
  } else if constexpr (sizeof(T) == 2) {
    out.u16(static_cast<uint16_t>(value));
  } else if constexpr (sizeof(T) == 4) {
    out.u32(static_cast<uint32_t>(value));
  } else {
    out.u64(static_cast<uint64_t>(value));
  }
}

template <class T>
void get(ByteReader& in, T& value) {
  if constexpr (Struct<T>) {
    T::visit(value, [&in](std::string_view, auto& field) { get(in, field); });
  } else if constexpr (is_vector<T>) {
    uint32_t count = in.u32();
    if (count > in.remaining()) return in.fail();  // every element takes at least a byte
    value.reserve(count < 4096 ? count : 4096);
    for (uint32_t i = 0; i < count && in.ok(); ++i) get(in, value.emplace_back());
  } else if constexpr (is_optional<T>) {
    uint8_t present = in.u8();
    if (present > 1) in.fail();
    if (present == 1 && in.ok()) get(in, value.emplace());
  } else if constexpr (std::is_same_v<T, std::string>) {
    value = in.string();
  } else if constexpr (std::is_same_v<T, bool>) {
    uint8_t byte = in.u8();
    if (byte > 1) in.fail();
    value = byte == 1;
  } else if constexpr (sizeof(T) == 1) {
    value = static_cast<T>(in.u8());
  } else if constexpr (sizeof(T) == 2) {
    value = static_cast<T>(in.u16());
  } else if constexpr (sizeof(T) == 4) {
    value = static_cast<T>(in.u32());
  } else {
    value = static_cast<T>(in.u64());
  }
}

}  // namespace detail

/// The mark that messages of this type begin with.
template <class T>
uint32_t mark_of() {
  static const uint32_t mark = [] {
    uint32_t hash = 2166136261u;
    detail::mix_type<T>(hash);
    return hash;
  }();
  return mark;
}

/// The mark of a message, 0 when it has none.
inline uint32_t mark_in(std::string_view bytes) {
  return ByteReader(bytes).u32();
}

template <class T>
std::string encode(const T& message) {
  std::string bytes;
  ByteWriter out(bytes);
  out.u32(mark_of<T>());
  detail::put(out, message);
  return bytes;
}

template <class T>
Result<T> decode(std::string_view bytes) {
  ByteReader in(bytes);
  auto refuse = [](const char* why) {
    std::string what(why);
    what.append(T::kName).append(" message");
    return temporary(std::move(what));
  };
  if (in.u32() != mark_of<T>()) return refuse("not a ");
  T message{};
  detail::get(in, message);
  if (!in.at_end()) return refuse("malformed ");
  return message;
}

}  // namespace umaya::ipc
