// NAME    recent_logins - POP-before-SMTP: addresses from which somebody has logged in a short while ago
//
// SYNOPSIS
//     RecentLogins logins(queue_directory + "/" + std::string(anvil::kSocket));
//     logins.note("192.0.2.7");                                   // pop3d, imapd: a right password came from there
//     Result<bool> recent = co_await logins.has("192.0.2.7");     // smtpd: permit_pop_before_smtp
//
// DESCRIPTION
//     anvil keeps the addresses for pop_before_smtp_time, for all processes and over reloads. It does so only with
//     pop_before_smtp_enable; who logs people in asks that parameter, too, and says nothing without it.
//     Note the address that the log-in truly came from: that of the connection, or that of a PROXY header when its
//     sender is a trusted balancer, and never before the password was found right. A whole address counts, also in
//     IPv6.
//
// ERRORS
//     note() is lost when anvil cannot be reached, which is logged once a minute. has() gives a temporary error then.
//
// LIMITS
//     anvil keeps 100,000 addresses; beyond that the oldest go first.
#pragma once

#include <memory>
#include <string>

#include "libcommon/event/sync.h"
#include "libcommon/ipc/channel.h"
#include "libcommon/services/anvil.h"

namespace umaya::services {

class RecentLogins {
 public:
  /// path: absolute path of anvil's socket.
  explicit RecentLogins(std::string path) : path_(std::move(path)), turn_(1) {}
  RecentLogins(const RecentLogins&) = delete;
  RecentLogins& operator=(const RecentLogins&) = delete;

  /// Somebody has logged in from this address; does not wait.
  void note(const std::string& address);
  /// co_await: whether somebody has.
  event::Task<Result<bool>> has(std::string address);

 private:
  Result<void> connect();
  event::Task<Result<anvil::Counts>> ask(anvil::Count question);

  std::string path_;
  event::Semaphore turn_;
  std::unique_ptr<ipc::Channel> channel_;
  TimePoint next_complaint_{};
};

}  // namespace umaya::services
