#include "pop3d/login_gate.h"

#include <sys/socket.h>

#include "libcommon/net/address.h"

namespace umaya::pop3d {

namespace {

/// Whom an address stands for: itself, or its /64.
std::string key_of(std::string_view text) {
  auto address = net::IpAddress::parse(text);
  if (!address || !address->is_v6()) return std::string(text);
  return net::Network(*address, 64).to_string();
}

}  // namespace

LoginGate::Pass LoginGate::enter(std::string_view address, int fd) {
  std::string key = key_of(address);
  auto count = counts_.find(key);
  if (count != counts_.end() && count->second >= most_of_address_) return {};
  if (entries_.size() >= most_) {
    if (cut_off_.size() >= kMostCutOff * most_) return {};
    // Its place in the order is given up now, so that the next one finds another.
    ::shutdown(entries_.front().fd, SHUT_RDWR);
    entries_.front().cut_off = true;
    cut_off_.splice(cut_off_.end(), entries_, entries_.begin());
  }
  ++counts_[key];
  entries_.push_back({std::move(key), fd, false});
  return {this, std::prev(entries_.end())};
}

void LoginGate::Pass::leave() {
  if (gate_ == nullptr) return;
  auto count = gate_->counts_.find(at_->address);
  if (--count->second == 0) gate_->counts_.erase(count);
  (at_->cut_off ? gate_->cut_off_ : gate_->entries_).erase(at_);
  gate_ = nullptr;
}

}  // namespace umaya::pop3d
