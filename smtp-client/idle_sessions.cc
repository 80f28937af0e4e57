#include "smtp-client/idle_sessions.h"

#include <sys/socket.h>

#include <algorithm>
#include <iterator>

namespace umaya::smtp_client {

namespace {

constexpr Duration kSurelyOpen = std::chrono::milliseconds(200);

// Silence on a connection that is open: the only state in which it can be used again. What has just been used is not
// looked at: a transaction on a connection that turns out to be closed is made again on another one.
bool is_usable(Session& session, TimePoint since) {
  if (session.dead || !session.stream.buffered().empty()) return false;
  if (monotonic_now() - since < kSurelyOpen) return true;
  char byte;
  return ::recv(session.stream.fd(), &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && errno == EAGAIN;
}

}  // namespace

IdleSessions::IdleSessions(Duration time_limit) : time_limit_(time_limit), timer_([this] { expire(); }) {}

IdleSessions::~IdleSessions() {
  close_all();
}

void IdleSessions::put(std::string key, std::unique_ptr<Session> session) {
  if (sessions_.size() >= kMaxIdle) {
    sessions_.front().session->quit();
    sessions_.pop_front();
  }
  sessions_.push_back({std::move(key), std::move(session), monotonic_now()});
  if (!timer_.armed()) timer_.arm(time_limit_);
}

std::unique_ptr<Session> IdleSessions::take(List::iterator idle) {
  std::unique_ptr<Session> session = std::move(idle->session);
  const TimePoint since = idle->since;
  sessions_.erase(idle);
  if (is_usable(*session, since)) return session;
  session->quit();
  return nullptr;
}

/// The newest is the likeliest to be still open.
template <class Test>
std::unique_ptr<Session> IdleSessions::take_newest(Test is_it) {
  for (;;) {
    auto found = std::find_if(sessions_.rbegin(), sessions_.rend(), is_it);
    if (found == sessions_.rend()) return nullptr;
    if (auto session = take(std::prev(found.base()))) return session;
  }
}

const Peer* IdleSessions::find(std::string_view key) const {
  auto found = std::ranges::find(sessions_.rbegin(), sessions_.rend(), key, &Idle::key);
  return found == sessions_.rend() ? nullptr : &found->session->peer();
}

std::unique_ptr<Session> IdleSessions::take(std::string_view key, std::string_view mark) {
  return take_newest([&](const Idle& i) { return i.key == key && i.session->security == mark; });
}

std::unique_ptr<Session> IdleSessions::take(const net::Endpoint& server, std::string_view mark) {
  return take_newest(
      [&](const Idle& i) { return i.session->peer().endpoint == server && i.session->security == mark; });
}

void IdleSessions::expire() {
  const TimePoint limit = monotonic_now() - time_limit_;
  while (!sessions_.empty() && sessions_.front().since <= limit) {
    sessions_.front().session->quit();
    sessions_.pop_front();
  }
  if (!sessions_.empty()) timer_.arm(sessions_.front().since - limit);
}

void IdleSessions::close_all() {
  for (Idle& idle : sessions_) idle.session->quit();
  sessions_.clear();
}

}  // namespace umaya::smtp_client
