#include "smtpd/recent_logins.h"

#include "libcommon/net/address.h"

namespace umaya::smtpd {

/// Addresses in their one form; empty for what is none.
static std::string canonical(const std::string& text) {
  auto address = net::IpAddress::parse(text);
  return address ? address->unmapped().to_string() : std::string();
}

void RecentLoginTable::forget_old(TimePoint now) {
  while (!entries_.empty() && (now - entries_.front().when >= lifetime_ || entries_.size() > kMost)) {
    by_address_.erase(entries_.front().address);
    entries_.pop_front();
  }
}

void RecentLoginTable::add(const std::string& address, TimePoint now) {
  std::string key = canonical(address);
  if (key.empty() || lifetime_ <= Duration{}) return;
  if (auto known = by_address_.find(key); known != by_address_.end()) {
    known->second->when = now;
    entries_.splice(entries_.end(), entries_, known->second);
  } else {
    entries_.push_back({key, now});
    by_address_.emplace(std::move(key), std::prev(entries_.end()));
  }
  forget_old(now);
}

bool RecentLoginTable::has(const std::string& address, TimePoint now) {
  forget_old(now);
  return by_address_.contains(canonical(address));
}

}  // namespace umaya::smtpd
