// NAME    cache - answers that are remembered for a while
//
// DESCRIPTION
//     Bounded; the answer that was used longest ago goes first. Nothing is remembered beyond its TTL or the cap, and
//     what was no definite answer is not remembered at all.
#pragma once

#include <list>
#include <string>
#include <string_view>

#include "libcommon/base/clock.h"
#include "libcommon/base/strings.h"
#include "libcommon/dns/message.h"

namespace umaya::dns {

class AnswerCache {
 public:
  explicit AnswerCache(size_t limit) : limit_(limit) {}
  /// The answer for a canonical name, if one is still good at this time; valid until the next change.
  const Answer* find(std::string_view name, Type type, TimePoint now);
  void put(std::string_view name, Type type, const Answer& answer, TimePoint now);
  void clear();
  size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    std::string key;
    Answer answer;
    TimePoint good_until;
  };
  using Entries = std::list<Entry>;  // most recently used first
  size_t limit_;
  Entries entries_;
  StringMap<Entries::iterator> index_;
};

}  // namespace umaya::dns
