// NAME    secret - a string that is wiped when it goes and cannot be formatted into a log line
#pragma once

#include <string.h>

#include <string>
#include <string_view>
#include <utility>

namespace umaya {

class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string value) : value_(std::move(value)) {}
  Secret(Secret&& other) noexcept : value_(std::move(other.value_)) { other.wipe(); }
  Secret& operator=(Secret&& other) noexcept {
    if (this != &other) {
      wipe();
      value_ = std::move(other.value_);
      other.wipe();
    }
    return *this;
  }
  ~Secret() { wipe(); }
  /// The bytes; valid while this object lives and is not changed.
  std::string_view reveal() const { return value_; }
  bool empty() const { return value_.empty(); }

 private:
  void wipe() {
    explicit_bzero(value_.data(), value_.size());
    value_.clear();
  }
  std::string value_;
};

/// Compares in a time that depends on the length of b only.
inline bool constant_time_equal(std::string_view a, std::string_view b) {
  unsigned char difference = a.size() == b.size() ? 0 : 1;
  for (size_t i = 0; i < b.size(); ++i) {
    difference |= static_cast<unsigned char>((a.empty() ? 0 : a[i % a.size()]) ^ b[i]);
  }
  return difference == 0;
}

}  // namespace umaya
