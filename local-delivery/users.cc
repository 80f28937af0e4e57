#include "local-delivery/users.h"

#include <algorithm>

#include "libcommon/log/log.h"

namespace umaya::local_delivery {

using namespace std::chrono_literals;

namespace {

constexpr auto kKeep = 5s;
constexpr size_t kKeptUsers = 10'000;
constexpr size_t kLongestName = 256;

}  // namespace

bool plausible_user_name(std::string_view name) {
  if (name.empty() || name.size() > kLongestName || name[0] == '-' || name == "." || name == "..") return false;
  auto bad = [](char c) {
    return c == '/' || c == ':' || c == '@' || static_cast<unsigned char>(c) <= ' ' || c == 127;
  };
  if (std::any_of(name.begin(), name.end(), bad)) return false;
  return !std::all_of(name.begin(), name.end(), ascii_digit);
}

event::Task<Result<std::optional<User>>> SystemUsers::find(std::string name) {
  if (!plausible_user_name(name)) co_return std::optional<User>();
  auto known = known_.find(name);
  if (known != known_.end() && known->second.until > monotonic_now()) co_return known->second.user;
  auto ask = [name] { return find_user_entry(name); };
  Result<std::optional<User>> answer = co_await pool_.run(ask);
  if (!answer || !*answer) {
    known_.erase(name);
    co_return answer;
  }
  if (known_.size() > kKeptUsers) known_.clear();
  auto [place, fresh] = known_.try_emplace(name);
  if (!fresh && place->second.user.uid != (*answer)->uid) {
    log::warning("user {} had uid {} and now has uid {}", name, place->second.user.uid, (*answer)->uid);
  }
  place->second = {**answer, monotonic_now() + kKeep};
  co_return answer;
}

}  // namespace umaya::local_delivery
