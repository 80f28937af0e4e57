// NAME    local_progress - one recipient of a local delivery under way, and the results of its parts
//
// DESCRIPTION
//     Shared by the files of LocalDelivery, and by nobody else.
#pragma once

#include <algorithm>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "local-delivery/local_delivery.h"

namespace umaya::local_delivery {

struct LocalDelivery::Progress {
  services::Recipient recipient;
  RecipientName name;
  Plan plan;
  Ledger::Parts done;  ///< by the name of the part; from before and now
  std::vector<PartResult> parts;
  bool deferred = false;

  bool take_done(const std::string& key) {
    auto before = done.find(key);
    if (before == done.end()) return false;
    parts.push_back(before->second);
    parts.back().logged_elsewhere = true;
    return true;
  }
  void finish(const std::string& key, PartResult result) {
    if (result.status == services::delivery::Status::deferred) {
      deferred = true;
    } else {
      done[key] = result;
    }
    parts.push_back(std::move(result));
  }
};

inline PartResult sent(std::string text, services::delivery::Action action = services::delivery::Action::delivered) {
  return {services::delivery::Status::sent, "2.0.0", std::move(text), action, false};
}
inline PartResult deferred(std::string dsn, std::string text) {
  return {services::delivery::Status::deferred, std::move(dsn), std::move(text), {}, false};
}
inline PartResult bounced(std::string dsn, std::string text) {
  return {services::delivery::Status::bounced, std::move(dsn), std::move(text), {}, false};
}
inline PartResult deferred(const Error& error) {
  return deferred(error.dsn.starts_with('4') ? error.dsn : "4.3.0", error.what);
}

inline PartResult mailbox_result(const services::become::Delivered& done, std::string text) {
  using services::become::Outcome;
  if (done.outcome == Outcome::delivered) return sent(std::move(text));
  if (done.outcome == Outcome::permanent) return bounced(done.dsn, done.text);
  return deferred(done.dsn.empty() ? "4.3.0" : done.dsn, done.text);
}

/// Whether a .forward file can be there.
inline bool has_home(const User& user) {
  static constexpr std::string_view kNoHome[] = {"/nonexistent", "/dev/null", "/"};
  return std::find(std::begin(kNoHome), std::end(kNoHome), user.home) == std::end(kNoHome) && !user.home.empty();
}

}  // namespace umaya::local_delivery
