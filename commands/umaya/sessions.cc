// who, kick: the sessions of logged-in users, as the daemons of mail access know them.
#include "libcommon/services/sessions.h"

#include <dirent.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <functional>
#include <memory>

#include "commands/umaya/commands.h"
#include "libcommon/base/strings.h"
#include "libcommon/daemon/instance.h"
#include "libcommon/ipc/channel.h"
#include "libcommon/log/log.h"

namespace umaya::commands {

using namespace std::chrono_literals;
using services::sessions::Session;

namespace {

constexpr Duration kLimit = 10s;

/// The sockets of all processes that know of sessions.
std::vector<std::string> session_sockets(const config::Config& config) {
  const std::string directory = config.get("queue_directory") + "/private";
  struct Close {
    void operator()(DIR* d) const { closedir(d); }
  };
  std::unique_ptr<DIR, Close> entries(opendir(directory.c_str()));
  if (!entries) log::fatal("{}: {}", directory, strerror(errno));
  std::vector<std::string> out;
  while (const dirent* entry = readdir(entries.get())) {
    if (std::string_view(entry->d_name).starts_with(services::sessions::kSocketPrefix)) {
      out.push_back(directory + "/" + entry->d_name);
    }
  }
  std::sort(out.begin(), out.end());
  return out;
}

/// A connection to a socket; nothing when its process is gone, whose name is taken away then.
Result<std::unique_ptr<ipc::Channel>> reach(const std::string& path) {
  auto channel = ipc::Channel::connect(path);
  if (!channel && channel.error().sys_errno == ECONNREFUSED) ::unlink(path.c_str());
  return channel;
}

event::Task<Result<std::vector<Session>>> ask_who(ipc::Channel* channel) {
  std::vector<Session> found;
  services::sessions::Who who;
  UMAYA_CO_TRY(auto reply, co_await channel->call<services::sessions::WhoReply>(std::move(who), {}, kLimit));
  while (true) {
    for (Session& session : reply.sessions) found.push_back(std::move(session));
    if (reply.last) co_return found;
    UMAYA_CO_TRY(reply, co_await channel->receive<services::sessions::WhoReply>(kLimit));
  }
}

event::Task<Result<uint32_t>> ask_kick(ipc::Channel* channel, std::string who) {
  services::sessions::Kick kick{std::move(who)};
  UMAYA_CO_TRY(auto reply, co_await channel->call<services::sessions::KickReply>(std::move(kick), {}, kLimit));
  co_return reply.ended;
}

/// Calls fn for each process that can be asked; false when one could not.
bool for_each_process(const config::Config& config, const std::function<Result<void>(ipc::Channel&)>& fn) {
  bool all = true;
  for (const std::string& path : session_sockets(config)) {
    auto channel = reach(path);
    if (!channel && (channel.error().sys_errno == ECONNREFUSED || channel.error().sys_errno == ENOENT)) continue;
    Result<void> done;
    if (channel) {
      done = fn(**channel);
    } else {
      done = std::unexpected(channel.error());
    }
    if (done) continue;
    log::error("{}: {}", path, done.error().what);
    all = false;
  }
  return all;
}

std::string time_text(int64_t seconds) {
  std::tm parts{};
  auto when = static_cast<time_t>(seconds);
  localtime_r(&when, &parts);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &parts);
  return text;
}

}  // namespace

int who(const Invocation& invocation, const std::vector<std::string>&) {
  config::Config config = open_instance(invocation);
  std::vector<Session> sessions;
  bool all = for_each_process(config, [&](ipc::Channel& channel) -> Result<void> {
    UMAYA_TRY(auto found, event::run_until_done(ask_who(&channel)));
    std::move(found.begin(), found.end(), std::back_inserter(sessions));
    return {};
  });
  std::sort(sessions.begin(), sessions.end(),
            [](const Session& a, const Session& b) { return std::tie(a.user, a.since) < std::tie(b.user, b.since); });
  for (const Session& session : sessions) {
    std::printf("%-24s %-5s %-40s %s %-8s %u\n", printable(session.user, true).c_str(), session.service.c_str(),
                session.address.c_str(), time_text(session.since).c_str(),
                session.protection.empty() ? "-" : session.protection.c_str(), session.process);
  }
  return all ? 0 : 1;
}

int kick(const Invocation& invocation, const std::vector<std::string>& arguments) {
  if (arguments.size() != 1) log::fatal("kick: write one user or one address");
  config::Config config = open_instance(invocation);
  uint32_t ended = 0;
  bool all = for_each_process(config, [&](ipc::Channel& channel) -> Result<void> {
    UMAYA_TRY(uint32_t here, event::run_until_done(ask_kick(&channel, arguments[0])));
    ended += here;
    return {};
  });
  std::printf("%u sessions ended\n", ended);
  return all && ended > 0 ? 0 : 1;
}

}  // namespace umaya::commands
