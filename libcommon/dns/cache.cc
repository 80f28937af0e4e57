#include "libcommon/dns/cache.h"

#include <algorithm>

namespace umaya::dns {

namespace {

constexpr uint32_t kMaxSeconds = 3600;  // a stub's memory is short: the name server in front of it has the long one

std::string key_of(std::string_view name, Type type) {
  return std::to_string(static_cast<unsigned>(type)) + ' ' + std::string(name);
}

}  // namespace

const Answer* AnswerCache::find(std::string_view name, Type type, TimePoint now) {
  auto found = index_.find(key_of(name, type));
  if (found == index_.end()) return nullptr;
  auto entry = found->second;
  if (entry->good_until <= now) {
    index_.erase(found);
    entries_.erase(entry);
    return nullptr;
  }
  entries_.splice(entries_.begin(), entries_, entry);
  return &entry->answer;
}

void AnswerCache::put(std::string_view name, Type type, const Answer& answer, TimePoint now) {
  if (!is_definite(answer.status) || answer.ttl == 0 || limit_ == 0) return;
  std::string key = key_of(name, type);
  if (auto old = index_.find(key); old != index_.end()) {
    entries_.erase(old->second);
    index_.erase(old);
  }
  while (entries_.size() >= limit_) {
    index_.erase(entries_.back().key);
    entries_.pop_back();
  }
  auto good_until = now + std::chrono::seconds(std::min(answer.ttl, kMaxSeconds));
  entries_.push_front({key, answer, good_until});
  index_.emplace(std::move(key), entries_.begin());
}

void AnswerCache::clear() {
  index_.clear();
  entries_.clear();
}

}  // namespace umaya::dns
