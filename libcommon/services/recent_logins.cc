#include "libcommon/services/recent_logins.h"

#include "libcommon/log/log.h"

namespace umaya::services {

using event::Task;
using namespace std::chrono_literals;

static constexpr std::string_view kService = "login";

Result<void> RecentLogins::connect() {
  if (channel_ && !channel_->stale()) return {};
  channel_.reset();
  UMAYA_TRY(channel_, ipc::Channel::connect(path_));
  return {};
}

void RecentLogins::note(const std::string& address) {
  anvil::Count event{anvil::Event::login, std::string(kService), address};
  Result<void> sent = connect();
  if (sent) sent = channel_->send_now(ipc::encode(event));
  if (sent) return;
  channel_.reset();
  TimePoint now = monotonic_now();
  if (now < next_complaint_) return;
  next_complaint_ = now + 60s;
  log::warning("anvil: {}; POP-before-SMTP does not learn of log-ins", sent.error().what);
}

Task<Result<anvil::Counts>> RecentLogins::ask(anvil::Count question) {
  Result<void> connected = connect();
  if (!connected) co_return std::unexpected(connected.error());
  Result<anvil::Counts> answer = co_await channel_->call<anvil::Counts>(std::move(question), {}, 10s);
  if (!answer) channel_.reset();
  co_return answer;
}

Task<Result<bool>> RecentLogins::has(std::string address) {
  bool mine = co_await turn_.acquire(10s);
  if (!mine) co_return temporary("anvil does not answer");
  anvil::Count question{anvil::Event::recent_login, std::string(kService), std::move(address)};
  Result<anvil::Counts> answer = co_await ask(std::move(question));
  turn_.release();
  if (!answer) co_return std::unexpected(answer.error());
  co_return answer->rate > 0;
}

}  // namespace umaya::services
