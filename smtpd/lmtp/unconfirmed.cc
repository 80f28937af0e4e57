#include "smtpd/lmtp/unconfirmed.h"

namespace umaya::smtpd {

void Unconfirmed::forget_old() {
  TimePoint now = monotonic_now();
  while (!order_.empty()) {
    auto oldest = delivered_.find(order_.front());
    bool young = oldest != delivered_.end() && now - oldest->second.since < kKept;
    if (young && order_.size() <= kMost) return;
    if (oldest != delivered_.end()) delivered_.erase(oldest);
    order_.pop_front();
  }
}

Unconfirmed::Known Unconfirmed::begin(const std::string& key) {
  forget_old();
  if (delivered_.contains(key)) return Known::delivered;
  return running_.insert(key).second ? Known::no : Known::running;
}

void Unconfirmed::remember(const std::string& key, std::string text) {
  bool fresh = delivered_.insert_or_assign(key, Entry{std::move(text), monotonic_now()}).second;
  if (fresh) order_.push_back(key);
  forget_old();
}

}  // namespace umaya::smtpd
