#include "pop3d/sessions/gatekeeper.h"

#include <unistd.h>

#include "libcommon/base/clock.h"
#include "libcommon/base/strings.h"
#include "libcommon/log/log.h"

namespace umaya::pop3d {

namespace {

constexpr std::string_view kTrouble = "-ERR [SYS/TEMP] The session cannot be started; try again later.\r\n";

std::string beneath_queue(const Params& params, const std::string& path) {
  return path.starts_with('/') ? path : params.queue_directory + "/" + path;
}

}  // namespace

std::string auth_socket_path(const Params& params) {
  return beneath_queue(params, params.auth_socket);
}

Gatekeeper::Gatekeeper(const Params& params, std::function<void(uint64_t)> end)
    : params_(params), fetch_(beneath_queue(params, params.auth_master_socket)), registry_(std::move(end)) {}

void Gatekeeper::open() {
  std::string directory = params_.queue_directory + "/private/";
  auto listening =
      registry_.listen(directory + std::string(services::sessions::kSocketPrefix) + "pop3." + std::to_string(getpid()));
  if (!listening) log::warning("umaya who will not see these sessions: {}", listening.error().what);
  if (params_.pop_before_smtp) {
    recent_logins_ =
        std::make_unique<services::RecentLogins>(beneath_queue(params_, std::string(services::anvil::kSocket)));
  }
  if (params_.user_address_session_limit == 0 && params_.login_delay == Duration::zero()) return;
  auto limits = SharedLimits::open(directory + "pop3d.limits");
  if (limits) {
    limits_ = std::move(*limits);
  } else {
    log::warning("pop3_user_address_session_limit and pop3_login_delay are not kept: {}", limits.error().what);
  }
}

Admission Gatekeeper::claim(const auth::LoginData& data, const Handover& handover) {
  if (is_full()) return Admission::too_many;
  if (!limits_) return Admission::admitted;
  return limits_->admit({data.user, handover.remote, params_.user_address_session_limit, params_.login_delay},
                        wall_seconds());
}

std::string Gatekeeper::refusal(Admission admission, const std::string& user, const std::string& remote) const {
  if (is_full()) {
    log::warning("user=<{}>: refused: {} sessions are open (pop3_session_limit)", user, registry_.size());
    return "-ERR [SYS/TEMP] Too many sessions; try again later.\r\n";
  }
  if (admission == Admission::too_many) {
    log::info("user=<{}>, rip={}: refused: {} sessions from this address (pop3_user_address_session_limit)", user,
              remote, params_.user_address_session_limit);
    return "-ERR [IN-USE] Too many sessions of this user from this address.\r\n";
  }
  log::info("user=<{}>, rip={}: refused: less than pop3_login_delay since the last log-in", user, remote);
  return "-ERR [LOGIN-DELAY] Wait longer between two log-ins.\r\n";
}

event::Task<std::expected<Admitted, std::string>> Gatekeeper::admit(const Handover* handover) {
  auth::LoginTicket ticket{handover->client_pid, handover->request, handover->cookie, handover->sealed};
  auto data = co_await fetch_.ask(std::move(ticket));
  if (!data) {
    log::error("user=<{}>: {}", printable(handover->user.substr(0, 80), true), data.error().what);
    co_return std::unexpected(std::string(kTrouble));
  }
  if (data->uid == 0) {
    log::error("user=<{}>: the superuser's mailbox is not served", data->user);
    co_return std::unexpected(std::string("-ERR [SYS/PERM] This mailbox is not served.\r\n"));
  }
  auto location = locate(*data, params_);
  if (!location) {
    log::error("user=<{}>: {}", data->user, location.error().what);
    co_return std::unexpected(std::string("-ERR [SYS/PERM] The mailbox is not set up; tell your administrator.\r\n"));
  }
  Admission admission = claim(*data, *handover);
  if (admission == Admission::too_many) {
    co_await event::sleep(2 * kEndsToldWithin);  // sessions may have ended of which we have not been told yet
    admission = claim(*data, *handover);
  }
  if (admission != Admission::admitted) co_return std::unexpected(refusal(admission, data->user, handover->remote));
  if (recent_logins_) recent_logins_->note(handover->remote);
  Admitted admitted{std::move(*data), std::move(*location), 0};
  services::sessions::Session row{"pop3", admitted.data.user, handover->remote, handover->protection, wall_seconds(),
                                  0};
  admitted.id = registry_.add(std::move(row));
  co_return admitted;
}

void Gatekeeper::left(uint64_t id) {
  auto session = registry_.remove(id);
  if (session && limits_) limits_->release(session->user, session->address);
}

}  // namespace umaya::pop3d
