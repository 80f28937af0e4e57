#include "named-lite/config/control_conf.h"

#include <algorithm>
#include <array>

#include "named-lite/logging/category.h"

namespace umaya::named {

namespace {

/// 0600, as the file system writes it.
std::optional<uint32_t> octal(std::string_view text) {
  uint32_t value = 0;
  if (text.empty() || text.size() > 5) return std::nullopt;
  for (char c : text) {
    if (c < '0' || c > '7') return std::nullopt;
    value = value * 8 + static_cast<uint32_t>(c - '0');
  }
  return value <= 0777 ? std::optional<uint32_t>(value) : std::nullopt;
}

/// unix "path" perm 0600 owner 0 group 0 [keys { … }] [read-only yes]
std::optional<ControlChannel> read_unix_channel(const Reading& reading, const Statement& statement) {
  ControlChannel channel;
  channel.path = statement.word(1);
  if (channel.path.empty()) {
    return reading.error(statement, 0, "unix needs the path of the socket", "unix \"/run/named/ndc\" perm 0600;"),
           std::nullopt;
  }
  for (size_t i = 2; i < statement.parts.size(); i += 2) {
    std::string_view word = statement.word(i);
    if (iequals(word, "perm")) {
      auto mode = octal(statement.word(i + 1));
      if (!mode) return reading.error(statement, i + 1, "perm is an octal mode", "perm 0600"), std::nullopt;
      channel.mode = *mode;
    } else if (iequals(word, "owner") || iequals(word, "group")) {
      auto id = reading.number(statement, i + 1, 0, UINT32_MAX - 1);
      if (!id) return std::nullopt;
      (iequals(word, "owner") ? channel.owner : channel.group) = static_cast<uint32_t>(*id);
    } else if (iequals(word, "read-only")) {
      auto value = reading.flag(statement, i + 1);
      if (!value) return std::nullopt;
      channel.read_only = *value;
    } else if (!iequals(word, "keys")) {
      return reading.error(statement, i,
                           "\"" + std::string(word) + "\" is not known here: there are perm, owner, group"),
             std::nullopt;
    }
  }
  return channel;
}

constexpr std::array kSeverities = {
    Choice<LogSeverity>{"critical", LogSeverity::critical}, Choice<LogSeverity>{"error", LogSeverity::error},
    Choice<LogSeverity>{"warning", LogSeverity::warning},   Choice<LogSeverity>{"notice", LogSeverity::notice},
    Choice<LogSeverity>{"info", LogSeverity::info},         Choice<LogSeverity>{"debug", LogSeverity::debug},
    Choice<LogSeverity>{"dynamic", LogSeverity::dynamic},
};

void read_severity(const Reading& reading, const Statement& statement, LogChannel& channel) {
  auto row = std::find_if(kSeverities.begin(), kSeverities.end(),
                          [&](const auto& each) { return iequals(each.word, statement.word(1)); });
  if (row == kSeverities.end()) {
    return reading.error(statement, 1,
                         "severity is one of: critical, error, warning, notice, info, debug [level], dynamic",
                         "severity info;");
  }
  channel.severity = row->value;
  if (row->value != LogSeverity::debug) return;
  channel.debug_level = 1;
  if (statement.word(2).empty()) return;
  if (auto level = reading.number(statement, 2, 0, 99)) channel.debug_level = static_cast<uint32_t>(*level);
}

/// file "path" [versions 3|unlimited] [size 10m] [suffix increment|timestamp]
void read_file(const Reading& reading, const Statement& statement, LogChannel& channel) {
  channel.kind = LogChannel::Kind::file;
  channel.file = statement.word(1);
  if (channel.file.empty()) return reading.error(statement, 0, "file needs a name", "file \"named.log\";");
  for (size_t i = 2; i < statement.parts.size(); i += 2) {
    std::string_view word = statement.word(i);
    if (iequals(word, "versions")) {
      bool all = iequals(statement.word(i + 1), "unlimited");
      auto count =
          all ? std::optional<uint64_t>(LogChannel::kUnlimitedVersions) : reading.number(statement, i + 1, 0, 10000);
      if (!count) return;
      channel.versions = static_cast<uint32_t>(*count);
    } else if (iequals(word, "size")) {
      auto size = size_from_text(statement.word(i + 1));
      if (!size) return reading.error(statement, i + 1, "size is a number of octets, as 10m", "size 10m");
      channel.size = *size == kUnlimited ? 0 : *size;
    } else if (iequals(word, "suffix")) {
      if (!iequals(statement.word(i + 1), "increment")) {
        reading.problems.warning(statement.place(i), "old log files are numbered: another suffix has no effect",
                                 "suffix increment");
      }
    } else {
      return reading.error(statement, i,
                           "\"" + std::string(word) + "\" is not known here: there are versions and size");
    }
  }
}

void read_syslog(const Reading& reading, const Statement& statement, LogChannel& channel) {
  static constexpr std::string_view kFacilities[] = {
      "kern",     "user", "mail",   "daemon", "auth",   "syslog", "lpr",    "news",   "uucp",   "cron",
      "authpriv", "ftp",  "local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7"};
  channel.kind = LogChannel::Kind::syslog;
  if (statement.word(1).empty()) return;
  bool known = std::any_of(std::begin(kFacilities), std::end(kFacilities),
                           [&](std::string_view each) { return iequals(each, statement.word(1)); });
  if (!known) return reading.error(statement, 1, "there is no such facility of syslog", "syslog daemon;");
  channel.facility = to_lower(statement.word(1));
}

constexpr Setting<LogChannel> kChannel[] = {
    {"buffered", read_flag<&LogChannel::buffered>},
    {"file", read_file},
    {"null", [](const Reading&, const Statement&, LogChannel& channel) { channel.kind = LogChannel::Kind::null; }},
    {"print-category", read_flag<&LogChannel::print_category>},
    {"print-severity", read_flag<&LogChannel::print_severity>},
    {"print-time",
     [](const Reading& r, const Statement& s, LogChannel& channel) {
       constexpr Choice<TimeStyle> kStyles[] = {
           {"local", TimeStyle::local}, {"iso8601", TimeStyle::iso8601}, {"iso8601-utc", TimeStyle::iso8601_utc}};
       bool named = false;
       for (const auto& style : kStyles) {
         if (!iequals(style.word, s.word(1))) continue;
         channel.time_style = style.value;
         named = true;
       }
       auto value = named ? std::optional<bool>(true) : r.flag(s);
       if (value) channel.print_time = *value;
     }},
    {"severity", read_severity},
    {"stderr",
     [](const Reading&, const Statement&, LogChannel& channel) { channel.kind = LogChannel::Kind::standard_error; }},
    {"syslog", read_syslog},
};

void read_log_channel(const Reading& reading, const Statement& statement, LoggingConf& conf) {
  const Part* block = statement.block();
  if (statement.word(1).empty() || block == nullptr) {
    return reading.error(statement, 0, "channel needs a name and a block", "channel main { file \"named.log\"; };");
  }
  if (conf.channel(statement.word(1)) != nullptr) {
    return reading.error(statement, 1, "the channel \"" + std::string(statement.word(1)) + "\" is there twice");
  }
  LogChannel channel;
  channel.name = to_lower(statement.word(1));
  int destinations = 0;
  for (const Statement& each : block->block) {
    if (!apply_setting<LogChannel>(kChannel, reading, each, channel)) {
      reading.error(each, 0, "\"" + each.name() + "\" is no statement of a channel");
    }
    for (std::string_view word : {"file", "syslog", "stderr", "null"}) destinations += iequals(word, each.name());
  }
  if (destinations != 1) {
    return reading.error(statement, 1, "a channel goes to one of file, syslog, stderr and null", "file \"named.log\";");
  }
  conf.channels.push_back(std::move(channel));
}

void read_category(const Reading& reading, const Statement& statement, LoggingConf& conf) {
  const Part* block = statement.block();
  if (statement.word(1).empty() || block == nullptr) {
    return reading.error(statement, 0, "category needs a name and its channels", "category queries { main; };");
  }
  LogCategory category;
  category.name = to_lower(statement.word(1));
  if (category.name != "default" && !category_from_text(category.name)) {
    reading.problems.warning(statement.place(1), is_empty_category(category.name)
                                                     ? "named-lite writes nothing of the category \"" + category.name +
                                                           "\": it has no effect"
                                                     : "there is no category \"" + category.name + "\" of log lines");
  }
  for (const Statement& each : block->block) {
    if (conf.channel(each.word(0)) == nullptr) {
      reading.error(each, 0, "there is no channel \"" + std::string(each.word(0)) + "\"");
      continue;
    }
    category.channels.push_back(to_lower(each.word(0)));
  }
  conf.categories.push_back(std::move(category));
}

}  // namespace

LoggingConf::LoggingConf() {
  auto add = [this](const char* name, LogChannel::Kind kind, LogSeverity severity) -> LogChannel& {
    LogChannel& channel = channels.emplace_back();
    channel.name = name;
    channel.kind = kind;
    channel.severity = severity;
    return channel;
  };
  add("default_syslog", LogChannel::Kind::syslog, LogSeverity::info);
  add("default_debug", LogChannel::Kind::file, LogSeverity::dynamic).file = "named.run";
  add("default_stderr", LogChannel::Kind::standard_error, LogSeverity::info);
  add("null", LogChannel::Kind::null, LogSeverity::info);
}

const LogChannel* LoggingConf::channel(std::string_view name) const {
  auto found =
      std::find_if(channels.begin(), channels.end(), [&](const LogChannel& each) { return iequals(each.name, name); });
  return found != channels.end() ? &*found : nullptr;
}

void read_controls(const Reading& reading, const Statement& statement, ControlConf& conf) {
  const Part* block = reading.block(statement, "controls { unix \"/run/named/ndc\" perm 0600; };");
  if (block == nullptr) return;
  conf.said = conf.said || block->block.empty();
  for (const Statement& each : block->block) {
    if (iequals(each.name(), "unix")) {
      conf.said = true;
      if (auto channel = read_unix_channel(reading, each)) conf.channels.push_back(std::move(*channel));
    } else if (iequals(each.name(), "inet")) {
      reading.problems.warning(each.place(), "the server is controlled over a Unix socket only: inet has no effect",
                               "unix \"/run/named/ndc\" perm 0600;");
    } else {
      reading.error(each, 0, "\"" + each.name() + "\" is no statement of controls",
                    "unix \"/run/named/ndc\" perm 0600;");
    }
  }
}

void read_statistics_channels(const Reading& reading, const Statement& statement, std::vector<StatisticsChannel>& out) {
  const Part* block = reading.block(statement, "statistics-channels { inet 127.0.0.1 port 8053; };");
  if (block == nullptr) return;
  for (const Statement& each : block->block) {
    if (!iequals(each.name(), "inet")) {
      reading.error(each, 0, "\"" + each.name() + "\" is no statement of statistics-channels",
                    "inet 127.0.0.1 port 8053 allow { 127.0.0.1; };");
      continue;
    }
    StatisticsChannel channel;
    std::string_view text = each.word(1);
    auto address = text == "*" ? net::IpAddress::parse("0.0.0.0") : reading.address(each, 1);
    if (!address) continue;
    channel.at = {*address, 80};
    channel.allow = std::make_shared<const Acl>(reading.acls.localhost());
    bool good = true;
    for (size_t i = 2; i < each.parts.size() && good; i += 2) {
      if (iequals(each.word(i), "port")) {
        auto port = each.word(i + 1) == "*" ? std::optional<uint16_t>(80) : reading.port(each, i + 1);
        good = port.has_value();
        if (port) channel.at.port = *port;
      } else if (iequals(each.word(i), "allow")) {
        channel.allow = reading.list(each);
        good = channel.allow != nullptr;
      } else {
        reading.error(each, i, "there are port and allow here", "inet 127.0.0.1 port 8053 allow { 127.0.0.1; };");
        good = false;
      }
    }
    if (good) out.push_back(std::move(channel));
  }
}

void read_logging(const Reading& reading, const Statement& statement, LoggingConf& conf) {
  const Part* block = reading.block(statement, "logging { category default { default_syslog; }; };");
  if (block == nullptr) return;
  conf.said = true;
  for (const Statement& each : block->block) {
    if (iequals(each.name(), "channel")) read_log_channel(reading, each, conf);
  }
  for (const Statement& each : block->block) {
    if (iequals(each.name(), "category")) {
      read_category(reading, each, conf);
    } else if (!iequals(each.name(), "channel")) {
      reading.error(each, 0, "\"" + each.name() + "\" is no statement of logging: there are channel and category");
    }
  }
}

}  // namespace umaya::named
