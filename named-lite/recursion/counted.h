// NAME    counted - as long as it lives, something counts one more
#pragma once

#include <cstddef>

namespace umaya::named {

class Counted {
 public:
  /// The count outlives this object.
  explicit Counted(size_t& count) : count_(count) { ++count_; }
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;
  ~Counted() { --count_; }

 private:
  size_t& count_;
};

}  // namespace umaya::named
