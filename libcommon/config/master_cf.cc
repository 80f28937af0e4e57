#include "libcommon/config/master_cf.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "libcommon/base/strings.h"
#include "libcommon/config/expand.h"
#include "libcommon/config/logical_lines.h"

namespace umaya::config {
namespace {

constexpr std::pair<std::string_view, ServiceType> kTypes[] = {{"inet", ServiceType::inet},
                                                               {"unix", ServiceType::unix_stream},
                                                               {"unix-dgram", ServiceType::unix_datagram},
                                                               {"fifo", ServiceType::fifo},
                                                               {"pass", ServiceType::pass}};

std::optional<ServiceType> type_from(std::string_view word) {
  for (auto [name, type] : kTypes) {
    if (name == word) return type;
  }
  return std::nullopt;
}

std::string_view take_word(std::string_view& text) {
  while (!text.empty() && ascii_space(text.front())) text.remove_prefix(1);
  size_t end = 0;
  while (end < text.size() && !ascii_space(text[end])) ++end;
  std::string_view word = text.substr(0, end);
  text.remove_prefix(end);
  return word;
}

/// A word; blanks between braces belong to it. A word that is one { … } group loses its braces and the blanks next to
/// them.
Result<std::string> take_argument(std::string_view& text) {
  text = trim(text);
  size_t end = 0, group_end = 0;
  int depth = 0, stray = 0;
  for (; end < text.size() && (depth > 0 || !ascii_space(text[end])); ++end) {
    if (text[end] == '{') ++depth;
    if (text[end] != '}') continue;
    if (depth == 0) ++stray;
    if (depth > 0 && --depth == 0 && group_end == 0) group_end = end;
  }
  std::string_view word = text.substr(0, end);
  if (stray > 0 && word.find('{') != std::string_view::npos) {
    return permanent(fmt::format("\"{}\": an opening {{ is missing", word));
  }
  if (depth > 0) return permanent(fmt::format("\"{}\": the closing }} is missing", word));
  text.remove_prefix(end);
  if (!word.starts_with('{')) return std::string(word);
  if (group_end + 1 != word.size()) return permanent(fmt::format("\"{}\": a blank is missing behind the }}", word));
  return std::string(trim(word.substr(1, group_end - 1)));
}

Result<bool> yes_or_no(const MasterEntry& entry, size_t field, bool fallback) {
  const std::string& text = entry.fields[field];
  if (text == "-") return fallback;
  if (text == "y" || text == "n") return text == "y";
  return permanent(fmt::format("field \"{}\" is \"{}\": write y, n or -", kMasterFieldNames[field], text));
}

Result<int> number(size_t field, std::string_view text, int fallback) {
  if (text == "-") return fallback;
  auto value = parse_uint(text);
  if (value && *value <= 1'000'000'000) return static_cast<int>(*value);
  return permanent(fmt::format("field \"{}\" is \"{}\": write a number or -", kMasterFieldNames[field], text));
}

/// Reads -o options up to the first argument that is not an option.
Result<> read_overrides(MasterService& service) {
  const auto& args = service.arguments;
  for (size_t i = 0; i < args.size() && args[i].starts_with('-'); ++i) {
    if (!args[i].starts_with("-o")) continue;
    std::string text = args[i].substr(2);
    if (text.empty()) {
      if (++i == args.size()) return permanent("-o is the last argument: name=value is missing behind it");
      text = args[i];
    }
    auto setting = parse_assignment(text);
    if (!setting) {
      return permanent(fmt::format("-o {}: write -o name=value without blanks, or -o {{ name = value }}", text));
    }
    service.overrides.emplace_back(std::move(setting->name), std::move(setting->value));
  }
  return {};
}

std::unexpected<Error> at_line(const std::string& file, int line, const std::string& what) {
  return permanent(fmt::format("{}, line {}: {}", file, line, what));
}

}  // namespace

std::string_view type_name(ServiceType type) {
  for (auto [name, t] : kTypes) {
    if (t == type) return name;
  }
  return "";
}

Result<MasterEntry> parse_master_entry(std::string_view line) {
  MasterEntry entry;
  for (std::string& field : entry.fields) field = take_word(line);
  entry.command = take_word(line);
  if (entry.command.empty()) {
    return permanent(
        "too few fields: a service needs name, type, private, unprivileged, chroot, wakeup, process limit and command");
  }
  if (!type_from(entry.fields[1])) {
    return permanent(
        fmt::format("\"{}\" is not a service type: write inet, unix, unix-dgram, fifo or pass", entry.fields[1]));
  }
  while (!trim(line).empty()) {
    UMAYA_TRY(std::string argument, take_argument(line));
    entry.arguments.push_back(std::move(argument));
  }
  return entry;
}

Result<std::vector<MasterEntry>> parse_master_entries(std::string_view text, const std::string& file) {
  std::vector<MasterEntry> entries;
  for (const LogicalLine& line : logical_lines(text)) {
    if (ascii_space(line.text.front())) {
      return at_line(file, line.number,
                     "a service must not start with white space: there is none before it to continue");
    }
    auto entry = parse_master_entry(line.text);
    if (!entry) return at_line(file, line.number, entry.error().what);
    entry->line = line.number;
    entry->last = line.last;
    entries.push_back(std::move(*entry));
  }
  return entries;
}

Result<MasterService> interpret(const MasterEntry& entry, const MasterDefaults& defaults) {
  MasterService service;
  service.name = entry.fields[0];
  service.line = entry.line;
  service.command = entry.command;
  service.arguments = entry.arguments;
  auto type = type_from(entry.fields[1]);
  if (!type) return permanent(fmt::format("\"{}\" is not a service type", entry.fields[1]));
  service.type = *type;
  UMAYA_TRY(service.is_private, yes_or_no(entry, 2, service.type != ServiceType::inet));
  if (service.is_private && service.type == ServiceType::inet) {
    return permanent("field \"private\" is \"y\": an inet service cannot be private, write n");
  }
  UMAYA_TRY(service.unprivileged, yes_or_no(entry, 3, true));
  UMAYA_TRY(service.chroot, yes_or_no(entry, 4, defaults.chroot));
  std::string_view wakeup = entry.fields[5];
  service.wakeup_only_when_used = wakeup.ends_with('?');
  if (service.wakeup_only_when_used) wakeup.remove_suffix(1);
  UMAYA_TRY(service.wakeup_seconds, number(5, wakeup, 0));
  if (service.wakeup_seconds > 0 && service.type == ServiceType::unix_datagram) {
    return permanent("field \"wakeup\": a unix-dgram service cannot be woken up, write -");
  }
  UMAYA_TRY(service.process_limit, number(6, entry.fields[6], defaults.process_limit));
  if (service.command.find('/') != std::string::npos) {
    return permanent(
        fmt::format("command \"{}\": write the name of a program in daemon_directory, without /", service.command));
  }
  if (service.type == ServiceType::inet) UMAYA_CHECK(split_inet_service(service.name));
  UMAYA_CHECK(read_overrides(service));
  return service;
}

Result<MasterCf> MasterCf::parse(std::string_view text, const std::string& file, const MasterDefaults& defaults) {
  MasterCf result;
  result.file = file;
  UMAYA_TRY(auto entries, parse_master_entries(text, file));
  for (const MasterEntry& entry : entries) {
    auto service = interpret(entry, defaults);
    if (!service) return at_line(file, entry.line, service.error().what);
    auto same = std::find_if(result.services.begin(), result.services.end(),
                             [&](const MasterService& other) { return other.key() == service->key(); });
    if (same == result.services.end()) {
      result.services.push_back(std::move(*service));
      continue;
    }
    result.warnings.push_back(fmt::format("{}, line {}: service {} replaces the one of line {}: remove one of them",
                                          file, service->line, service->key(), same->line));
    *same = std::move(*service);
  }
  return result;
}

Result<MasterCf> MasterCf::load(const Config& config) {
  MasterDefaults defaults;
  UMAYA_TRY(int64_t limit, config.get_int("default_process_limit"));
  defaults.process_limit = static_cast<int>(std::min<int64_t>(limit, 1'000'000'000));
  auto order = compare_levels(config.get("compatibility_level"), "1");
  if (!order) return config.bad_value("compatibility_level", order.error().what);
  defaults.chroot = *order < 0;
  std::string file = config.directory() + "/master.cf";
  UMAYA_TRY(std::string text, read_config_file(file));
  UMAYA_TRY(MasterCf result, parse(text, file, defaults));
  add_own_services(result);
  return result;
}

void add_own_services(MasterCf& file) {
  auto runs = [&](std::string_view command) {
    return std::ranges::any_of(file.services, [&](const MasterService& s) { return s.command == command; });
  };
  if (runs("become") || !(runs("local") || runs("virtual") || runs("pipe"))) return;
  MasterService become;
  become.name = become.command = "become";
  become.unprivileged = false;
  file.services.push_back(std::move(become));
}

const MasterService* MasterCf::find(std::string_view name, ServiceType type) const {
  for (const MasterService& service : services) {
    if (service.name == name && service.type == type) return &service;
  }
  return nullptr;
}

Result<std::pair<std::string, std::string>> split_inet_service(std::string_view name) {
  std::string_view host, port = name;
  if (size_t colon = name.rfind(':'); colon != std::string_view::npos) {
    host = name.substr(0, colon);
    port = name.substr(colon + 1);
    bool bracketed = host.starts_with('[') && host.ends_with(']');
    if (bracketed) host = host.substr(1, host.size() - 2);
    if (!bracketed && host.find(':') != std::string_view::npos) {
      return permanent(fmt::format("service \"{}\": write an IPv6 address in brackets, [{}]:{}", name, host, port));
    }
  }
  if (port.empty()) return permanent(fmt::format("service \"{}\": the port is missing", name));
  return std::pair{std::string(host), std::string(port)};
}

bool service_disabled(const MasterService& service, const std::vector<std::string>& master_service_disable) {
  bool disabled = false;
  for (std::string_view word : master_service_disable) {
    bool negated = word.starts_with('!');
    if (negated) word.remove_prefix(1);
    if (word == "static:all" || word == type_name(service.type) || word == service.key()) {
      disabled = !negated;
      break;
    }
  }
  return disabled;
}

}  // namespace umaya::config
