#include "named-lite/logging/log_router.h"

#include <syslog.h>
#include <unistd.h>

#include <algorithm>
#include <ctime>
#include <utility>

#include "named-lite/transfer/zone_file.h"

namespace umaya::named {

namespace {

using log::Level;

struct LevelRow {
  Level level;
  std::string_view text;
  int priority;
  LogSeverity severity;
};
constexpr LevelRow kLevels[] = {
    {Level::debug, "debug 1", LOG_DEBUG, LogSeverity::debug},
    {Level::info, "info", LOG_INFO, LogSeverity::info},
    {Level::warning, "warning", LOG_WARNING, LogSeverity::warning},
    {Level::error, "error", LOG_ERR, LogSeverity::error},
    {Level::fatal, "critical", LOG_CRIT, LogSeverity::critical},
    {Level::panic, "critical", LOG_CRIT, LogSeverity::critical},
};

const LevelRow& row_of(Level level) {
  return kLevels[static_cast<size_t>(level)];
}

int facility_of(std::string_view name) {
  static constexpr std::pair<std::string_view, int> kFacilities[] = {
      {"auth", LOG_AUTH},     {"authpriv", LOG_AUTHPRIV}, {"cron", LOG_CRON},     {"ftp", LOG_FTP},
      {"kern", LOG_KERN},     {"lpr", LOG_LPR},           {"mail", LOG_MAIL},     {"news", LOG_NEWS},
      {"syslog", LOG_SYSLOG}, {"user", LOG_USER},         {"uucp", LOG_UUCP},     {"local0", LOG_LOCAL0},
      {"local1", LOG_LOCAL1}, {"local2", LOG_LOCAL2},     {"local3", LOG_LOCAL3}, {"local4", LOG_LOCAL4},
      {"local5", LOG_LOCAL5}, {"local6", LOG_LOCAL6},     {"local7", LOG_LOCAL7}};
  for (const auto& [known, value] : kFacilities) {
    if (known == name) return value;
  }
  return LOG_DAEMON;
}

std::string time_text(TimeStyle style, int64_t milliseconds) {
  time_t seconds = milliseconds / 1000;
  tm parts{};
  if (style == TimeStyle::iso8601_utc) {
    gmtime_r(&seconds, &parts);
  } else {
    localtime_r(&seconds, &parts);
  }
  char text[48];
  size_t size =
      strftime(text, sizeof text, style == TimeStyle::local ? "%d-%b-%Y %H:%M:%S" : "%Y-%m-%dT%H:%M:%S", &parts);
  return fmt::format("{}.{:03}{} ", std::string_view(text, size), milliseconds % 1000,
                     style == TimeStyle::iso8601_utc ? "Z" : "");
}

const LogCategory* find_category(const LoggingConf& conf, std::string_view name) {
  auto found = std::find_if(conf.categories.rbegin(), conf.categories.rend(),
                            [name](const LogCategory& each) { return each.name == name; });
  return found != conf.categories.rend() ? &*found : nullptr;
}

}  // namespace

bool takes(const LogChannel& channel, log::Level level) {
  if (level == Level::debug) {
    bool wants = channel.severity == LogSeverity::debug || channel.severity == LogSeverity::dynamic;
    return wants && log::verbosity() > 0;
  }
  // In the order of LogSeverity the most severe comes first.
  return row_of(level).severity <= channel.severity;
}

std::string channel_line(const LogChannel& channel, const LogRecord& record) {
  std::string line;
  if (channel.print_time) line += time_text(channel.time_style, record.time);
  if (channel.print_category) line += std::string(category_text(record.category)) + ": ";
  if (channel.print_severity) line += std::string(row_of(record.level).text) + ": ";
  return line + record.text;
}

/// The file of a channel: of before when it is the same, none when nothing is written there yet.
std::shared_ptr<LogFile> LogRouter::file_for(const LogChannel& channel, const std::string& directory) const {
  if (channel.kind != LogChannel::Kind::file) return nullptr;
  std::string path = zone_path(directory, channel.file);
  for (const auto& each : former_) {
    if (!each->file) continue;
    const LogFile::Options& options = each->file->options();
    bool same = options.path == path && options.versions == channel.versions && options.size == channel.size;
    if (same) return each->file;
  }
  // A file for debugging is made when somebody debugs.
  if (channel.severity == LogSeverity::dynamic && log::verbosity() == 0) return nullptr;
  return std::make_shared<LogFile>(LogFile::Options{path, channel.versions, channel.size});
}

const LogRouter::Channel* LogRouter::channel_for(const NamedConf& conf, const std::string& name) {
  for (const auto& each : channels_) {
    if (each->conf.name == name) return each.get();
  }
  const LogChannel* said = conf.logging.channel(name);
  if (said == nullptr) return nullptr;
  channels_.push_back(
      std::make_unique<Channel>(Channel{*said, file_for(*said, conf.directory), facility_of(said->facility)}));
  return channels_.back().get();
}

void LogRouter::configure(const NamedConf& conf) {
  flush();
  configured_ = false;  // what goes wrong here is told elsewhere
  former_ = std::exchange(channels_, {});
  by_category_ = {};
  named_ = {};
  static const LogCategory kUnsaid{"default", {"default_syslog", "default_debug"}};
  const LogCategory* by_default = find_category(conf.logging, "default");
  for (size_t i = 0; i < kCategories && conf.logging.said; ++i) {
    const LogCategory* own = find_category(conf.logging, category_text(static_cast<Category>(i)));
    named_[i] = own != nullptr;
    const LogCategory& category = own != nullptr ? *own : by_default != nullptr ? *by_default : kUnsaid;
    for (const std::string& name : category.channels) {
      if (const Channel* channel = channel_for(conf, name)) by_category_[i].push_back(channel);
    }
  }
  former_.clear();
  configured_ = conf.logging.said;
}

void LogRouter::write_to(const Channel& channel, const LogRecord& record) {
  std::string line = channel_line(channel.conf, record);
  switch (channel.conf.kind) {
    case LogChannel::Kind::null:
      return;
    case LogChannel::Kind::file:
      if (channel.file) channel.file->write(line + "\n");
      if (channel.file && record.level >= Level::warning) channel.file->flush();
      return;
    case LogChannel::Kind::standard_error:
      line += '\n';
      (void)!::write(STDERR_FILENO, line.data(), line.size());
      return;
    case LogChannel::Kind::syslog:
      syslog(channel.facility | row_of(record.level).priority, "%s", line.c_str());
      return;
  }
}

bool LogRouter::write(const LogRecord& record) {
  if (!configured_) return false;
  for (const Channel* channel : by_category_[static_cast<size_t>(record.category)]) {
    if (takes(channel->conf, record.level)) write_to(*channel, record);
  }
  return true;
}

void LogRouter::flush() {
  for (const auto& channel : channels_) {
    if (channel->file) channel->file->flush();
  }
}

}  // namespace umaya::named
