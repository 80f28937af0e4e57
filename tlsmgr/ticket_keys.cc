#include "tlsmgr/ticket_keys.h"

#include <algorithm>
#include <chrono>

#include "libcommon/base/random.h"

namespace umaya::tlsmgr {

using std::chrono::seconds;

static constexpr uint32_t kShortest = 60, kLongest = 24 * 3600;

static tls::TicketKey make_key() {
  tls::TicketKey key;
  key.name.resize(16);
  key.cipher.resize(32);
  key.mac.resize(32);
  for (std::string* part : {&key.name, &key.cipher, &key.mac}) random_bytes(*part);
  return key;
}

tls::TicketAnswer TicketKeys::keys_for(const tls::TicketQuery& query, TimePoint now) {
  seconds lifetime(std::clamp(query.lifetime, kShortest, kLongest));
  auto it = services_.find(query.service);
  if (it == services_.end()) {
    if (services_.size() >= kServices) {
      auto older = [](const auto& a, const auto& b) { return a.second.asked < b.second.asked; };
      services_.erase(std::min_element(services_.begin(), services_.end(), older));
    }
    it = services_.emplace(query.service, Service{make_key(), {}, now, now}).first;
  }
  Service& service = it->second;
  service.asked = now;
  Duration age = now - service.made;
  if (age >= lifetime) {
    // After two lifetimes there is no ticket left that the last key could open.
    service.last = age >= 2 * lifetime ? tls::TicketKey() : std::move(service.newest);
    service.newest = make_key();
    service.made = now;
    age = {};
  }
  tls::TicketAnswer out;
  out.keys.push_back(service.newest);
  if (!service.last.name.empty()) out.keys.push_back(service.last);
  out.fresh_for = static_cast<uint32_t>(std::chrono::duration_cast<seconds>(lifetime - age).count()) + 1;
  return out;
}

}  // namespace umaya::tlsmgr
