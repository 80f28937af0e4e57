#include "named-lite/server/channels.h"

#include <unistd.h>

#include <algorithm>

#include "libcommon/log/log.h"

namespace umaya::named {

namespace {

template <class T>
bool has(const std::vector<T>& all, const T& one) {
  return std::find(all.begin(), all.end(), one) != all.end();
}

}  // namespace

void Channels::change(const std::vector<ControlChannel>& controls, const std::vector<net::Endpoint>& addresses,
                      const Hooks& hooks) {
  std::erase_if(control, [&](const ControlSocket& each) {
    if (has(controls, each.channel)) return false;
    hooks.control_closed(each.channel.path);
    (void)::unlink(each.channel.path.c_str());  // where that may not be, it stays behind
    log::info("no longer controlled over {}", each.channel.path);
    return true;
  });
  std::erase_if(statistics, [&](const StatisticsSocket& each) {
    if (has(addresses, each.at)) return false;
    hooks.statistics_closed(each.at);
    log::info("no longer statistics on {}", each.at.to_string());
    return true;
  });
  std::vector<ControlChannel> new_controls;
  for (const ControlChannel& each : controls) {
    auto same = [&](const ControlSocket& socket) { return socket.channel == each; };
    if (std::none_of(control.begin(), control.end(), same)) new_controls.push_back(each);
  }
  for (ControlSocket& socket : open_control_sockets(new_controls)) {
    hooks.control_opened(control.emplace_back(std::move(socket)));
  }
  std::vector<net::Endpoint> new_addresses;
  for (const net::Endpoint& each : addresses) {
    auto same = [&](const StatisticsSocket& socket) { return socket.at == each; };
    if (std::none_of(statistics.begin(), statistics.end(), same)) new_addresses.push_back(each);
  }
  for (StatisticsSocket& socket : open_statistics_sockets(new_addresses)) {
    hooks.statistics_opened(statistics.emplace_back(std::move(socket)));
  }
}

}  // namespace umaya::named
