// NAME    piece_sink - a borrowed callable that takes pieces of text
//
// OWNERSHIP
//     Refers to the callable it was made from, which must outlive the call that it is passed to. Never stored.
#pragma once

#include <string_view>
#include <type_traits>
#include <utility>

namespace umaya::smtp {

class PieceSink {
 public:
  template <class F>
  requires(!std::is_same_v<std::remove_cvref_t<F>, PieceSink>)
      PieceSink(F&& callable)  // NOLINT: made from any callable at the call
      : object_(const_cast<void*>(static_cast<const void*>(&callable))),
        call_(
            [](void* object, std::string_view piece) { (*static_cast<std::remove_reference_t<F>*>(object))(piece); }) {}
  void operator()(std::string_view piece) const { call_(object_, piece); }

 private:
  void* object_;
  void (*call_)(void*, std::string_view);
};

}  // namespace umaya::smtp
