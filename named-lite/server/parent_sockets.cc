// The sockets of the parent: what is listened on, and what ndc and statistics are asked over.
#include "libcommon/log/log.h"
#include "named-lite/server/parent.h"

namespace umaya::named {

Result<void> Parent::open_sockets() {
  sockets_.resize(options_.queries);
  for (const net::Endpoint& at : config_.report.endpoints()) (void)open_address(at);
  if (listening_.empty()) return permanent("no address to listen on: see listen-on in " + options_.config_file);
  channels_.control = open_control_sockets(config_.report.control_channels());
  channels_.statistics = open_statistics_sockets(config_.report.statistics_endpoints());
  return {};
}

bool Parent::open_address(const net::Endpoint& at) {
  auto opened = open_listening(at, options_.queries);
  if (!opened) {
    log::error("not listening on {}: {}", at.to_string(), opened.error().what);
    return false;
  }
  for (size_t i = 0; i < opened->size(); ++i) sockets_[i].push_back(std::move((*opened)[i]));
  listening_.push_back(at);
  log::info("listening on {}", at.to_string());
  return true;
}

void Parent::close_address(const net::Endpoint& at) {
  for (auto& sockets : sockets_) std::erase_if(sockets, [&](const ListenSockets& each) { return each.at == at; });
  std::erase(listening_, at);
  log::info("no longer listening on {}", at.to_string());
}

/// Other connections and questions go on undisturbed.
void Parent::close_old_addresses() {
  ListenChange message;
  for (const net::Endpoint& at : listen_changes(listening_, config_.report.endpoints()).closed) {
    message.at = at.to_string();
    close_address(at);
    for (size_t i = 0; i < sockets_.size(); ++i) tell_query(i, message, {});
  }
}

/// Once the configuration that names them is in service: it says which view is asked there.
void Parent::open_new_addresses() {
  ListenChange message;
  for (const net::Endpoint& at : listen_changes(listening_, config_.report.endpoints()).opened) {
    message.at = at.to_string();
    if (!open_address(at)) continue;
    for (size_t i = 0; i < sockets_.size(); ++i) {
      const ListenSockets& opened = sockets_[i].back();
      tell_query(i, message, {opened.udp.get(), opened.tcp.get()});
    }
  }
}

void Parent::change_channels() {
  ChannelChange ndc, statistics;
  ndc.control = true;
  Channels::Hooks hooks;
  hooks.control_opened = [&](const ControlSocket& socket) {
    ndc.at = socket.channel.path;
    ndc.read_only = socket.channel.read_only;
    tell_zone(ndc, {socket.fd.get()});
  };
  hooks.control_closed = [&](const std::string& path) {
    ndc.at = path;
    tell_zone(ndc, {});
  };
  hooks.statistics_opened = [&](const StatisticsSocket& socket) {
    statistics.at = socket.at.to_string();
    tell_zone(statistics, {socket.fd.get()});
  };
  hooks.statistics_closed = [&](const net::Endpoint& at) {
    statistics.at = at.to_string();
    tell_zone(statistics, {});
  };
  channels_.change(config_.report.control_channels(), config_.report.statistics_endpoints(), hooks);
}

}  // namespace umaya::named
