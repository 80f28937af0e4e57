// NAME    name_table - which number belongs to a name, for tens of thousands of names at a time
//
// OWNERSHIP
//     Borrows the text of the names.
//
// LIMITS
//     Holds as many names as were expected; their number is fixed when it is made.
#pragma once

#include <bit>
#include <cstdint>
#include <string_view>
#include <vector>

namespace umaya::mailbox {

class NameTable {
 public:
  static constexpr uint32_t kNone = UINT32_MAX;

  explicit NameTable(size_t expected) : slots_(std::bit_ceil(expected * 2 + 1)) {}
  /// The number that the name has; when it had none, it gets this one, and kNone is given.
  uint32_t insert(std::string_view name, uint32_t number) {
    Slot& slot = slots_[find_slot(name)];
    if (slot.number != kNone) return slot.number;
    slot = {name, number};
    return kNone;
  }
  uint32_t find(std::string_view name) const { return slots_[find_slot(name)].number; }
  /// Gives a name that is there another number.
  void replace(std::string_view name, uint32_t number) { slots_[find_slot(name)].number = number; }

 private:
  struct Slot {
    std::string_view name;
    uint32_t number = kNone;
  };
  size_t find_slot(std::string_view name) const {
    size_t at = std::hash<std::string_view>{}(name) & (slots_.size() - 1);
    while (slots_[at].number != kNone && slots_[at].name != name) at = (at + 1) & (slots_.size() - 1);
    return at;
  }
  std::vector<Slot> slots_;
};

}  // namespace umaya::mailbox
