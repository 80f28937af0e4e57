#include "named-lite/server/single.h"

#include <unistd.h>

#include "libcommon/log/log.h"
#include "named-lite/feed/link.h"

namespace umaya::named {

Result<std::unique_ptr<Single>> Single::open(const ParentOptions& options) {
  std::unique_ptr<Single> single(new Single(options));
  UMAYA_TRY(single->files_, read_config_files(options.config_file));
  single->files_.only_family = options.only_family;
  single->files_.log_to_stderr = options.log_to_stderr;
  single->report_ = report_on(single->files_, options.port);
  if (!single->report_.ok) {
    write_lines(single->report_);
    return permanent("the configuration has errors: not started");
  }
  for (const net::Endpoint& at : single->report_.endpoints()) {
    auto opened = open_listening(at, 1);
    if (opened) log::info("listening on {}", at.to_string());
    if (opened) single->listening_.push_back(at);
    if (opened) single->sockets_.push_back(std::move((*opened)[0]));
    if (!opened) log::error("not listening on {}: {}", at.to_string(), opened.error().what);
  }
  if (single->sockets_.empty()) {
    return permanent("no address to listen on: see listen-on in " + options.config_file);
  }
  single->channels_.control = open_control_sockets(single->report_.control_channels());
  single->channels_.statistics = open_statistics_sockets(single->report_.statistics_endpoints());
  for (int i = 0; i < 3; ++i) {
    UMAYA_TRY(StatisticsPage page, StatisticsPage::create());
    single->statistics_.pages.push_back(std::move(page));
  }
  return single;
}

Result<void> Single::start() {
  UMAYA_TRY(auto pair, socket_pair());
  zone_ = std::make_unique<ZoneServer>(
      ZoneServer::Hooks{[] { log::info("running"); },
                        [this] {
                          open_new_addresses();
                          change_channels();
                        },
                        [this](ZonesRead which, uint32_t number) { reload(which, number); },
                        [] { event::Loop::current().stop(); }, getpid()});
  std::vector<ControlSocket> control;
  for (ControlSocket& each : channels_.control) control.push_back({std::move(each.fd), each.channel});
  for (StatisticsSocket& each : channels_.statistics) statistics_.sockets.push_back({std::move(each.fd), each.at});
  zone_->take_commands(std::move(control));
  CookieSecret secret = random_cookie_secret();
  zone_->make_cookies(secret);
  query_ =
      std::make_unique<QueryServer>(QueryServer::Hooks{[] {}, [] { log::panic("a feed cannot be read"); }}, secret);
  query_->count_in(*statistics_.pages[0]);  // the zone server has the pages as long as we are there
  recursion_page_ = statistics_.pages[1].numbers();
  zone_->count_in(std::move(statistics_));
  query_->connect_zone(std::move(pair.first));
  for (ListenSockets& sockets : sockets_) query_->listen(std::move(sockets));
  zone_->connect(0, std::move(pair.second));
  UMAYA_CHECK(start_recursion());
  zone_->configure(std::move(files_), ZonesRead::all);
  return {};
}

Result<void> Single::start_recursion() {
  if (!report_.recursion) return {};
  UMAYA_TRY(auto feed, socket_pair());
  UMAYA_TRY(auto questions, socket_pair());
  recursion_ =
      std::make_unique<RecursionServer>(RecursionServer::Hooks{[] {}, [] { log::panic("a feed cannot be read"); }});
  recursion_->count_in(*recursion_page_);
  recursion_->connect_zone(std::move(feed.first));
  zone_->connect(ZoneServer::kRecursion, std::move(feed.second));
  recursion_->connect_query(0, std::move(questions.first));
  query_->connect_recursion(std::move(questions.second));
  return {};
}

void Single::reload(ZonesRead which, uint32_t number) {
  log::info("reloading {}", options_.config_file);
  auto files = read_config_files(options_.config_file);
  ConfigReport report;
  if (files) {
    files->only_family = options_.only_family;
    files->log_to_stderr = options_.log_to_stderr;
    report = report_on(*files, options_.port);
    if (!report.ok) write_lines(report);
  } else {
    log::error("{}", files.error().what);
  }
  if (!report.ok) {
    log::error("reload failed: the configuration of before stays in service");
    return zone_->keep_configuration(files ? error_lines(report) : files.error().what + "\n", number);
  }
  report_ = std::move(report);
  for (const net::Endpoint& at : listen_changes(listening_, report_.endpoints()).closed) {
    query_->close(at);
    std::erase(listening_, at);
    log::info("no longer listening on {}", at.to_string());
  }
  zone_->configure(std::move(*files), which, number);
}

void Single::open_new_addresses() {
  for (const net::Endpoint& at : listen_changes(listening_, report_.endpoints()).opened) {
    auto opened = open_listening(at, 1);
    if (!opened) {
      log::error("not listening on {}: {}", at.to_string(), opened.error().what);
      continue;
    }
    query_->listen(std::move((*opened)[0]));
    listening_.push_back(at);
    log::info("listening on {}", at.to_string());
  }
}

void Single::change_channels() {
  Channels::Hooks hooks;
  hooks.control_opened = [this](ControlSocket& socket) { zone_->change_control(socket.channel, std::move(socket.fd)); };
  hooks.control_closed = [this](const std::string& path) {
    ControlChannel channel;
    channel.path = path;
    zone_->change_control(std::move(channel), Fd());
  };
  hooks.statistics_opened = [this](StatisticsSocket& socket) {
    zone_->change_statistics(socket.at, std::move(socket.fd));
  };
  hooks.statistics_closed = [this](const net::Endpoint& at) { zone_->change_statistics(at, Fd()); };
  channels_.change(report_.control_channels(), report_.statistics_endpoints(), hooks);
}

}  // namespace umaya::named
