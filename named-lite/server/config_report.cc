#include "named-lite/server/config_report.h"

#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>

#include "libcommon/daemon/privilege.h"
#include "libcommon/fs/file.h"
#include "libcommon/log/log.h"
#include "named-lite/control/control_server.h"
#include "named-lite/feed/link.h"
#include "named-lite/feed/memory_file.h"
#include "named-lite/logging/category.h"
#include "named-lite/server/control.h"
#include "named-lite/server/listen.h"
#include "named-lite/server/recursion_settings.h"
#include "named-lite/transfer/zone_file.h"
#include "named-lite/zone/zone_loader.h"

namespace umaya::named {

namespace {

constexpr int kPatience = 60'000;  // milliseconds
constexpr size_t kMostConfig = size_t{128} << 20;

void add_once(std::vector<std::string>& all, std::string one) {
  if (std::find(all.begin(), all.end(), one) == all.end()) all.push_back(std::move(one));
}

/// So large that its image is kept beside it (zone/zone_loader.h): even short records need a dozen octets of text.
bool is_kept(const std::string& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 && static_cast<size_t>(status.st_size) >= kLeastKept * 12;
}

void add_directories(const NamedConf& conf, ConfigReport& report) {
  add_once(report.read, conf.directory);
  for (const ViewConf& view : conf.views) {
    for (const ZoneConf& zone : view.zones) {
      if (zone.file.starts_with('/')) add_once(report.read, fs::parent_directory(zone.file));
      if (keeps_journal(zone)) add_once(report.write, fs::parent_directory(journal_path(conf)));
      if (zone.type == ZoneType::primary && is_kept(zone_path(conf.directory, zone.file))) {
        add_once(report.write, fs::parent_directory(zone_path(conf.directory, zone.file)));
      }
      if ((zone.type == ZoneType::secondary || is_dynamic(zone)) && !zone.file.empty()) {
        add_once(report.write, fs::parent_directory(zone_path(conf.directory, zone.file)));
      }
    }
  }
}

std::vector<net::Endpoint> parse_endpoints(const std::vector<std::string>& texts) {
  std::vector<net::Endpoint> all;
  for (const std::string& text : texts) {
    if (auto at = net::Endpoint::parse(text)) all.push_back(*at);
  }
  return all;
}

/// In the child: sends report and text.
Result<void> read_and_send(const ParentOptions& options, int socket) {
  ConfigReport report;
  UMAYA_CHECK(daemon::give_up_low_ports());
  auto files = read_config_files(options.config_file);
  if (files) {
    files->only_family = options.only_family;
    files->log_to_stderr = options.log_to_stderr;
    report = report_on(*files, options.port);
  } else {
    report.lines.push_back({static_cast<uint8_t>(log::Level::error), files.error().what});
    files.emplace();
  }
  UMAYA_TRY(Fd about, sealed_file("report", ipc::encode(report)));
  UMAYA_TRY(Fd text, sealed_file("named.conf", ipc::encode(*files)));
  return send_control(socket, "c", {about.get(), text.get()});
}

}  // namespace

std::vector<net::Endpoint> ConfigReport::endpoints() const {
  return parse_endpoints(listen);
}

std::vector<net::Endpoint> ConfigReport::statistics_endpoints() const {
  return parse_endpoints(statistics);
}

std::vector<ControlChannel> ConfigReport::control_channels() const {
  std::vector<ControlChannel> channels;
  for (const Control& each : control) {
    channels.push_back({each.path, each.mode, each.owner, each.group, each.read_only});
  }
  return channels;
}

ConfigReport report_on(const ConfigFiles& files, uint16_t port) {
  ConfigReport report;
  Problems problems;
  NamedConf conf = parse_config_files(files, problems);
  std::vector<LogLine> lines;
  add_lines(problems, lines);
  for (LogLine& line : lines) report.lines.push_back({static_cast<uint8_t>(line.level), std::move(line.text)});
  report.ok = !problems.has_errors();
  report.recursion = report.ok && wants_recursion(conf);
  for (const net::Endpoint& at : listen_addresses(conf, port)) report.listen.push_back(at.to_string());
  add_directories(conf, report);
  if (report.recursion) add_once(report.write, fs::parent_directory(zone_path(conf.directory, conf.dump_file)));
  report.logging = conf.logging.said;
  report.saves_at_end = conf.updates.flush_zones_on_shutdown;
  for (const LogChannel& each : conf.logging.channels) {
    bool opens = each.kind == LogChannel::Kind::file && conf.logging.said;
    if (opens) add_once(report.write, fs::parent_directory(zone_path(conf.directory, each.file)));
  }
  report.pid_file = conf.pid_file;
  for (const StatisticsChannel& each : conf.statistics) add_once(report.statistics, each.at.to_string());
  for (ControlChannel& each : control_channels(conf.control, conf.pid_file)) {
    report.control.push_back({std::move(each.path), each.mode, each.owner, each.group, each.read_only});
  }
  if (!report.control.empty()) {  // ndc stats
    add_once(report.write, fs::parent_directory(zone_path(conf.directory, conf.statistics_file)));
  }
  return report;
}

Result<ReadConfig> read_config_in_child(const ParentOptions& options) {
  UMAYA_TRY(auto pair, socket_pair());
  log::flush();
  pid_t pid = fork();
  if (pid < 0) return sys_error("fork");
  if (pid == 0) _exit(read_and_send(options, pair.second.get()) ? 0 : 1);
  pair.second.reset();
  pollfd wait{pair.first.get(), POLLIN, 0};
  if (::poll(&wait, 1, kPatience) <= 0) ::kill(pid, SIGKILL);
  auto packet = receive_control(pair.first.get());
  ::waitpid(pid, nullptr, 0);
  if (!packet || packet->fds.size() != 2) return temporary("the configuration could not be read");
  UMAYA_TRY(MappingPtr about, Mapping::of(packet->fds[0].get(), kMostConfig));
  ReadConfig config;
  UMAYA_TRY(config.report, ipc::decode<ConfigReport>(about->bytes()));
  config.files = std::move(packet->fds[1]);
  return config;
}

void write_lines(const ConfigReport& report) {
  for (const auto& line : report.lines) Logged<Category::config>::write(static_cast<log::Level>(line.level), line.text);
}

std::string error_lines(const ConfigReport& report) {
  std::string text;
  for (const auto& line : report.lines) {
    if (static_cast<log::Level>(line.level) >= log::Level::error) text += line.text + "\n";
  }
  return text;
}

Result<ConfigFiles> config_files_in(int fd) {
  UMAYA_TRY(MappingPtr mapping, Mapping::of(fd, kMostConfig));
  return ipc::decode<ConfigFiles>(mapping->bytes());
}

}  // namespace umaya::named
