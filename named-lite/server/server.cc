#include "named-lite/server/server.h"

#include <algorithm>

#include "libcommon/fs/file.h"
#include "named-lite/transfer/zone_file.h"

namespace umaya::named {

namespace {

void write_lines(const std::vector<LogLine>& lines) {
  for (const LogLine& line : lines) log::write(line.level, line.text);
}

bool is_link_local(const net::IpAddress& address) {
  return address.is_v6() && static_cast<unsigned char>(address.bytes()[0]) == 0xFE &&
         (static_cast<unsigned char>(address.bytes()[1]) & 0xC0) == 0x80;
}

/// Single addresses that a list names, whether an interface has them or not.
void named_addresses(const Acl& acl, std::vector<net::IpAddress>& out) {
  for (const AclElement& element : acl) {
    if (element.negated) continue;
    if (element.kind == AclElement::Kind::nested) named_addresses(element.nested, out);
    if (element.kind == AclElement::Kind::network && element.network.prefix() == element.network.address().bits()) {
      out.push_back(element.network.address());
    }
  }
}

}  // namespace

std::vector<net::Endpoint> listen_addresses(const NamedConf& conf, uint16_t port) {
  std::vector<ListenConf> all = conf.listen;
  for (net::Family family : {net::Family::ipv4, net::Family::ipv6}) {
    bool named = std::any_of(all.begin(), all.end(), [&](const ListenConf& each) { return each.family == family; });
    if (!named) all.push_back({family, 0, acl_of_any()});
  }
  std::vector<net::Endpoint> result;
  for (const ListenConf& listen : all) {
    std::vector<net::IpAddress> candidates;
    named_addresses(acl_of_localhost(), candidates);
    named_addresses(listen.addresses, candidates);
    for (const net::IpAddress& address : candidates) {
      if (address.family() != listen.family || is_link_local(address) || !admits(listen.addresses, address)) continue;
      net::Endpoint at{address, listen.port != 0 ? listen.port : port};
      if (std::find(result.begin(), result.end(), at) == result.end()) result.push_back(at);
    }
  }
  return result;
}

daemon::SandboxPolicy sandbox_policy(const NamedConf& conf, const std::string& config_file) {
  daemon::SandboxPolicy policy;
  policy.read = {fs::parent_directory(config_file), conf.directory};
  for (const ViewConf& view : conf.views) {
    for (const ZoneConf& zone : view.zones) {
      if (zone.file.starts_with('/')) policy.read.push_back(fs::parent_directory(zone.file));
      if (zone.type == ZoneType::secondary && !zone.file.empty()) {
        policy.write.push_back(fs::parent_directory(zone_path(conf.directory, zone.file)));
      }
    }
  }
  if (!conf.pid_file.empty()) policy.write.push_back(fs::parent_directory(conf.pid_file));
  return policy;
}

Server::Server(ServerOptions options, SnapshotPtr snapshot)
    : options_(std::move(options)),
      responder_(std::move(snapshot)),
      secondaries_(
          responder_, workers_,
          [this](const ZoneConf& zone, const ImagePtr& image) { notifier_.zone_changed(zone, *image, conf().keys); }),
      control_target_(responder_, secondaries_, notifier_, workers_,
                      {[this] { return reload_and_wait(); }, [] { event::Loop::current().stop(); },
                       [this](const std::string& view, std::string_view zone, ImagePtr image) {
                         responder_.replace(with_zone(*responder_.snapshot(), view, zone, std::move(image)));
                       }}) {
  responder_.on_notify(
      [this](const std::string& view, std::string_view zone) { return secondaries_.notified(view, zone); });
}

void Server::run() {
  secondaries_.configure();
  notify_changes(nullptr);
}

/// Primary zones with another serial than before, all of them at the start.
void Server::notify_changes(const Snapshot* before) {
  for (const auto& view : responder_.snapshot()->views) {
    const ServedView* old = nullptr;
    for (size_t i = 0; before != nullptr && i < before->views.size(); ++i) {
      if (before->views[i]->conf.name == view->conf.name) old = before->views[i].get();
    }
    for (const ZoneConf& zone : view->conf.zones) {
      if (zone.type != ZoneType::primary) continue;
      std::string name(zone.name.lower().wire());
      ImagePtr image = view->catalog.image_of(name);
      ImagePtr former = old != nullptr ? old->catalog.image_of(name) : nullptr;
      bool same = former && image && former->header().serial == image->header().serial;
      if (image && !same) notifier_.zone_changed(zone, *image, conf().keys);
    }
  }
}

Result<void> Server::open_address(const net::Endpoint& at) {
  UMAYA_TRY(Fd udp, bind_udp(at));
  sockaddr_storage address{};
  socklen_t size = at.to_sockaddr(address);
  UMAYA_TRY(Fd tcp, event::listen_on(reinterpret_cast<const sockaddr*>(&address), size));
  udp_.push_back(std::make_unique<UdpServer>(std::move(udp), responder_));
  tcp_.push_back(std::make_unique<TcpServer>(std::move(tcp), responder_));
  listening_.push_back(at);
  log::info("listening on {}", at.to_string());
  return {};
}

Result<void> Server::open_sockets() {
  for (const net::Endpoint& at : listen_addresses(conf(), options_.port)) {
    auto opened = open_address(at);
    if (!opened) log::error("not listening on {}: {}", at.to_string(), opened.error().what);
  }
  if (udp_.empty()) return permanent("no address to listen on: see listen-on in " + options_.config_file);
  auto sockets = open_control_sockets(control_channels(conf().control, conf().pid_file));
  control_ = std::make_unique<ControlServer>(std::move(sockets), control_target_);
  return {};
}

Result<std::unique_ptr<Server>> Server::start(ServerOptions options) {
  SnapshotResult first = build_snapshot(options.config_file, nullptr);
  write_lines(first.lines);
  if (!first.snapshot) return permanent("the configuration has errors: not started");
  std::unique_ptr<Server> server(new Server(std::move(options), std::move(first.snapshot)));
  UMAYA_CHECK(server->open_sockets());
  return server;
}

void Server::reload() {
  if (reloading_) {
    again_ = true;
    return;
  }
  reloading_ = true;
  tasks_.spawn(reload_task());
}

event::Task<bool> Server::reload_and_wait() {
  reloaded_.reset();
  reload();
  while (reloading_) {
    bool ended = co_await reloaded_.wait();
    (void)ended;
  }
  co_return last_good_;
}

/// Ports are opened before the rights for that are given up.
void Server::note_new_addresses() const {
  for (const net::Endpoint& at : listen_addresses(conf(), options_.port)) {
    if (std::find(listening_.begin(), listening_.end(), at) != listening_.end()) continue;
    log::warning("not listening on {} before the next start of named-lite", at.to_string());
  }
}

event::Task<void> Server::reload_task() {
  do {
    again_ = false;
    log::info("reloading {}", options_.config_file);
    auto work = [file = options_.config_file, before = responder_.snapshot()] { return build_snapshot(file, before); };
    SnapshotResult result = co_await workers_.run(std::move(work));
    write_lines(result.lines);
    last_good_ = result.snapshot != nullptr;
    if (result.snapshot) {
      SnapshotPtr before = responder_.snapshot();
      responder_.replace(std::move(result.snapshot));
      secondaries_.configure();
      notify_changes(before.get());
      note_new_addresses();
      log::info("reload complete");
    } else {
      log::error("reload failed: the configuration of before stays in service");
    }
  } while (again_);
  reloading_ = false;
  reloaded_.set();
}

}  // namespace umaya::named
