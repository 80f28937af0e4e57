// NAME    policy_service - asks a policy server what to do (check_policy_service)
//
// SYNOPSIS
//     auto service = PolicyService::parse("{ inet:127.0.0.1:10023, timeout=10s }", settings);
//     std::string action = co_await (*service)->ask(policy_request(question, settings.context));
//
// DESCRIPTION
//     Speaks Postfix's delegation protocol: name=value lines and an empty line each way; the answer is an action as in
//     access(5) tables. Connections are kept and used again, one request at a time on each. A connection that turns out
//     to have been closed is replaced at once; other failures are tried again after retry_delay.
//     Servers are "inet:address:port" and "unix:path" (beneath queue_directory unless absolute).
//
// ERRORS
//     When no attempt gives an answer, ask() gives default_action, and the log says why.
//
// LIMITS
//     A line of the answer 4 KiB, 64 lines; a hundred idle connections.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "libcommon/event/listener.h"
#include "libcommon/event/stream.h"
#include "libcommon/event/task.h"
#include "smtpd/policy.h"
#include "smtpd/policy_settings.h"

namespace umaya::smtpd {

/// The request for this question, its empty line included; bytes that would end a line become '?'.
std::string policy_request(const Question& question, std::string_view context);
/// The action of an answer (the lines before the empty one, with or without CR).
Result<std::string> parse_policy_reply(std::string_view text);

class PolicyService {
 public:
  /// argument: a server, or a server and name=value settings of its own with commas between them.
  static Result<std::shared_ptr<PolicyService>> parse(std::string_view argument, PolicySettings settings,
                                                      std::string_view queue_directory);
  /// co_await: the action to take.
  event::Task<std::string> ask(std::string request);
  const PolicySettings& settings() const { return settings_; }
  const std::string& server() const { return server_; }

 private:
  struct Connection {
    explicit Connection(Fd fd) : stream(std::move(fd)) {}
    event::Stream stream;
    TimePoint opened = monotonic_now(), used = opened;
    int64_t requests = 0;
  };
  using ConnectionPtr = std::unique_ptr<Connection>;

  explicit PolicyService(PolicySettings settings) : settings_(std::move(settings)) {}
  Result<void> read_server(std::string_view server, std::string_view queue_directory);
  ConnectionPtr take_idle();
  void keep(ConnectionPtr connection);
  event::Task<Result<ConnectionPtr>> connect();
  event::Task<Result<std::string>> converse(Connection& connection, std::string_view request) const;

  PolicySettings settings_;
  std::string server_;
  std::string unix_path_;  // empty: address_ is meant
  event::PeerAddress address_;
  std::vector<ConnectionPtr> idle_;
};

}  // namespace umaya::smtpd
