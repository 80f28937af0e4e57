#include "smtpd/seats.h"

#include <algorithm>

namespace umaya::smtpd {

static constexpr size_t kOneIn = 10;
static constexpr size_t kFewest = 5;

Seats::Seats(size_t limit) : limit_(limit), kept_(limit < kFewest ? 0 : std::max<size_t>(1, limit / kOneIn)) {}

void Seats::note_stress() {
  if (limit_ == 0) return;
  if (free() <= kept_) {
    stress_ = true;
  } else if (free() > 2 * kept_) {
    stress_ = false;
  }
}

bool Seats::take(const std::string& client, Claim claim) {
  auto known = sessions_.find(client);
  bool has_one = known != sessions_.end();
  if (limit_ > 0 && has_one && claim == Claim::ordinary && free() <= kept_) return false;
  ++taken_;
  if (has_one) {
    ++known->second;
  } else {
    sessions_.emplace(client, 1);
  }
  note_stress();
  return true;
}

void Seats::give_back(const std::string& client) {
  auto known = sessions_.find(client);
  if (known == sessions_.end()) return;
  if (--known->second == 0) sessions_.erase(known);
  --taken_;
  note_stress();
}

}  // namespace umaya::smtpd
