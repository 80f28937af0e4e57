// NAME    helper - the part of authd that keeps the rights of root: asks PAM, or shadow(5), whether a password is right
//
// SYNOPSIS
//     UMAYA_TRY(auto helper, SystemHelper::start({.pam_service = "umaya", .limit = 30s}));   // before root is given up
//     Result<bool> right = co_await helper->check("alice", std::move(password), "pop3", "192.0.2.1");
//
// DESCRIPTION
//     start() forks a process that waits for descriptors, forks a child for each, and reads nothing itself. A child
//     reads one question from its descriptor, asks, answers with one octet, and ends: modules of PAM may leak, hang or
//     crash without harm to others. A child that takes longer than the limit is killed by its own alarm.
//     Nobody else can talk to it: the descriptor is authd's. It answers yes, no or "cannot say" and never gives a hash
//     away. With an empty pam_service it reads shadow(5) and does nothing else; then it may open nothing but /etc.
//
// OWNERSHIP
//     The helper ends with the object, and when authd dies.
//
// ERRORS
//     temporary: PAM or the user database cannot be asked, takes too long, or the helper has died.
#pragma once

#include <memory>
#include <string>

#include "libcommon/base/clock.h"
#include "libcommon/base/fd.h"
#include "libcommon/base/result.h"
#include "libcommon/base/secret.h"
#include "libcommon/event/task.h"

namespace umaya::authd {

struct HelperOptions {
  std::string pam_service;                    ///< /etc/pam.d/NAME; empty: shadow(5)
  Duration limit = std::chrono::seconds(30);  ///< for one question
};

class SystemHelper {
 public:
  static Result<std::unique_ptr<SystemHelper>> start(HelperOptions options);
  ~SystemHelper();
  SystemHelper(const SystemHelper&) = delete;
  SystemHelper& operator=(const SystemHelper&) = delete;

  /// Whether this is the password of a user who may log in.
  event::Task<Result<bool>> check(std::string user, Secret password, std::string service, std::string remote);

 private:
  SystemHelper(Fd fd, pid_t pid, Duration limit) : fd_(std::move(fd)), pid_(pid), limit_(limit) {}
  Fd fd_;
  pid_t pid_;
  Duration limit_;
};

}  // namespace umaya::authd
