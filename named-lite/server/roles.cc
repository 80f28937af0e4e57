#include "named-lite/server/roles.h"

#include <unistd.h>

#include <csignal>
#include <functional>

#include "libcommon/log/divert.h"
#include "named-lite/query/query_server.h"
#include "named-lite/server/config_report.h"
#include "named-lite/server/control.h"
#include "named-lite/server/recursion_server.h"
#include "named-lite/server/zone_server.h"

namespace umaya::named {

namespace {

void end_loop() {
  event::Loop::current().stop();
}

/// Runs the loop of a process until it is told to end.
void run_loop(const std::function<void()>& told_to_end = end_loop) {
  auto& loop = event::Loop::current();
  loop.at_round_end([] { log::flush(); });
  event::SignalWatch terminate(SIGTERM, told_to_end);
  loop.run();
}

void change_listening(QueryServer& server, ipc::Packet packet) {
  auto change = ipc::decode<ListenChange>(packet.bytes);
  auto at = change ? net::Endpoint::parse(change->at) : std::nullopt;
  if (!at) return;
  if (packet.fds.size() == 2) return server.listen({*at, std::move(packet.fds[0]), std::move(packet.fds[1])});
  server.close(*at);
}

void change_channel(ZoneServer& server, ipc::Packet packet) {
  auto change = ipc::decode<ChannelChange>(packet.bytes);
  if (!change) return;
  Fd fd = packet.fds.empty() ? Fd() : std::move(packet.fds[0]);
  if (change->control) {
    ControlChannel channel;
    channel.path = change->at;
    channel.read_only = change->read_only;
    return server.change_control(std::move(channel), std::move(fd));
  }
  if (auto at = net::Endpoint::parse(change->at)) server.change_statistics(*at, std::move(fd));
}

}  // namespace

int run_query(Fd control, std::vector<ListenSockets> sockets, const CookieSecret& cookies,
              StatisticsEquipment statistics) {
  std::unique_ptr<Link> parent;
  QueryServer server({.ready = [&parent] { parent->post(ipc::encode(RoleReady())); },
                      .trouble = [&parent] { parent->post(ipc::encode(ZoneTrouble())); }},
                     cookies);
  if (!statistics.pages.empty()) server.count_in(*statistics.pages[0]);
  auto received = [&server](ipc::Packet packet) {
    if (packet.is<ListenChange>()) return change_listening(server, std::move(packet));
    auto peer = ipc::decode<NewPeer>(packet.bytes);
    if (!peer || packet.fds.size() != 1) return;
    if (peer->role == Role::zone) server.connect_zone(std::move(packet.fds[0]));
    if (peer->role == Role::recursion) server.connect_recursion(std::move(packet.fds[0]));
  };
  parent = std::make_unique<Link>(std::move(control), received, end_loop);
  for (ListenSockets& set : sockets) server.listen(std::move(set));
  log::divert([&server](log::Level level, std::string_view text) { return server.take_line(level, text); });
  run_loop();
  log::divert(nullptr);
  log::info("exiting; questions: {} over UDP, {} over TCP", server.counters().udp, server.counters().tcp);
  log::flush();
  return 0;
}

int run_recursion(Fd control, StatisticsEquipment statistics) {
  std::unique_ptr<Link> parent;
  RecursionServer server({.ready = [&parent] { parent->post(ipc::encode(RoleReady())); },
                          .trouble = [&parent] { parent->post(ipc::encode(ZoneTrouble())); }});
  if (!statistics.pages.empty()) server.count_in(*statistics.pages[0]);
  auto received = [&server](ipc::Packet packet) {
    auto peer = ipc::decode<NewPeer>(packet.bytes);
    if (!peer || packet.fds.size() != 1) return;
    if (peer->role == Role::zone) server.connect_zone(std::move(packet.fds[0]));
    if (peer->role == Role::query) server.connect_query(peer->number, std::move(packet.fds[0]));
  };
  parent = std::make_unique<Link>(std::move(control), received, end_loop);
  log::divert([&server](log::Level level, std::string_view text) { return server.take_line(level, text); });
  run_loop();
  log::divert(nullptr);
  log::info("exiting; questions to others: {}", server.questions());
  log::flush();
  return 0;
}

int run_zone(Fd control, std::vector<ControlSocket> sockets, const CookieSecret& cookies,
             StatisticsEquipment statistics) {
  std::unique_ptr<Link> parent;
  auto command = [&parent](ParentCommand::What what, uint32_t number = 0) {
    ParentCommand message;
    message.what = what;
    message.number = number;
    parent->post(ipc::encode(message));
  };
  ZoneServer server({.ready = [&parent] { parent->post(ipc::encode(RoleReady())); },
                     .in_service = [&parent] { parent->post(ipc::encode(ConfigInService())); },
                     .reload =
                         [&command](ZonesRead which, uint32_t number) {
                           bool only_new = which == ZonesRead::only_new;
                           command(only_new ? ParentCommand::What::reconfig : ParentCommand::What::reload, number);
                         },
                     .stop = [&command] { command(ParentCommand::What::stop); },
                     .process = getppid()});
  server.make_cookies(cookies);
  server.count_in(std::move(statistics));
  server.take_commands(std::move(sockets));
  auto received = [&server](ipc::Packet packet) {
    if (auto lines = ipc::decode<LogBatch>(packet.bytes)) return server.take_log(std::move(*lines));
    if (auto bad = ipc::decode<BadConfig>(packet.bytes)) {
      return server.keep_configuration(std::move(bad->why), bad->number);
    }
    if (packet.is<ChannelChange>()) return change_channel(server, std::move(packet));
    if (packet.fds.size() != 1) return;
    if (auto config = ipc::decode<NewConfig>(packet.bytes)) {
      auto files = config_files_in(packet.fds[0].get());
      if (!files) return log::error("configuration: {}", files.error().what);
      auto which = config->only_new ? ZonesRead::only_new : ZonesRead::all;
      return server.configure(std::move(*files), which, config->number);
    }
    auto peer = ipc::decode<NewPeer>(packet.bytes);
    if (!peer) return;
    bool recursion = peer->role == Role::recursion;
    server.connect(recursion ? ZoneServer::kRecursion : peer->number, std::move(packet.fds[0]));
  };
  parent = std::make_unique<Link>(std::move(control), received, end_loop);
  run_loop([&server] { server.end(end_loop); });
  log::flush();
  return 0;
}

}  // namespace umaya::named
