#include "libcommon/config/config.h"

#include <fmt/format.h>
#include <unistd.h>

#include "libcommon/config/build_tree.h"
#include "libcommon/config/expand.h"
#include "libcommon/config/values.h"

namespace umaya::config {
namespace {

/// What stands behind the first dot of a host name.
std::string domain_of(std::string_view host) {
  size_t dot = host.find('.');
  bool has_domain = dot != std::string_view::npos && dot + 1 < host.size();
  return has_domain ? std::string(host.substr(dot + 1)) : "localdomain";
}

}  // namespace

Result<Config> Config::load(const std::string& dir, const std::vector<std::string>& overrides) {
  std::string file = dir + "/main.cf";
  UMAYA_TRY(std::string text, read_config_file(file));
  return from_text(text, dir, overrides);
}

Result<Config> Config::from_text(std::string_view main_cf, const std::string& dir,
                                 const std::vector<std::string>& overrides, const HostFacts& host) {
  Config config;
  config.dir_ = dir;
  config.overrides_ = overrides;
  config.host_ = host;
  UMAYA_TRY(config.main_cf_, MainCf::parse(main_cf, dir + "/main.cf"));
  for (const std::string& text : overrides) {
    UMAYA_TRY(Setting setting, parse_assignment(text));
    config.main_cf_.set(std::move(setting));
  }
  config.computed_["config_directory"] = dir;
  config.compute_names();
  config.name_process("umaya", "umaya");
  UMAYA_CHECK(config.check_expansions());
  UMAYA_CHECK(config.compute_networks());
  return config;
}

Result<Config> Config::reload() const {
  UMAYA_TRY(Config fresh, load(dir_, overrides_));
  for (const char* name : {"process_name", "service_name"}) fresh.computed_[name] = computed_.find(name)->second;
  return fresh;
}

void Config::compute_names() {
  std::string host = host_.hostname.empty() ? "localhost" : host_.hostname;
  if (is_set("myhostname")) {
    host = get("myhostname");
  } else if (host.find('.') == std::string::npos) {
    host += "." + (is_set("mydomain") ? get("mydomain") : "localdomain");
  }
  computed_["myhostname"] = host;
  computed_["mydomain"] = domain_of(host);
  if (auto tree = build_tree()) {
    if (!is_set("daemon_directory")) computed_["daemon_directory"] = *tree + "/libexec";
    if (!is_set("command_directory")) computed_["command_directory"] = *tree + "/bin";
  }
}

void Config::name_process(std::string_view process, std::string_view service) {
  computed_["process_name"] = std::string(process);
  computed_["service_name"] = std::string(service);
  computed_["process_id"] = std::to_string(getpid());
}

Result<> Config::compute_networks() {
  std::string style = get("mynetworks_style");
  NetworksStyle chosen = NetworksStyle::host;
  if (iequals(style, "subnet")) {
    chosen = NetworksStyle::subnet;
  } else if (iequals(style, "class")) {
    chosen = NetworksStyle::network_class;
  } else if (!iequals(style, "host")) {
    return bad_value("mynetworks_style", "write host, subnet or class");
  }
  if (!is_set("mynetworks")) computed_["mynetworks"] = networks_text(own_addresses(), chosen);
  return {};
}

Result<> Config::check_expansions() const {
  for (const Setting& setting : main_cf_.settings) {
    const Param* row = find_any_param(setting.name);
    if (!row || (row->flags & kRaw)) continue;
    auto value = expand(setting.value);
    if (!value) return bad_value(setting.name, value.error().what);
  }
  return {};
}

std::optional<std::string> Config::raw(std::string_view name) const {
  if (name == "config_directory") return dir_;
  if (const Setting* setting = main_cf_.find(name)) {
    const Param* row = find_param(name);
    if (!row || row->kind != Kind::read_only) return setting->value;
  }
  if (auto at = computed_.find(name); at != computed_.end()) return at->second;
  if (const Param* row = find_any_param(name)) return std::string(row->default_value);
  return std::nullopt;
}

Result<std::string> Config::expand(std::string_view text) const {
  return config::expand(text, [this](std::string_view name) { return raw(name); });
}

std::string Config::get(std::string_view name) const {
  auto text = raw(name);
  if (!text) return {};
  const Param* row = find_any_param(name);
  if (row && (row->flags & kRaw)) return *text;
  return expand(*text).value_or(*text);
}

Result<bool> Config::get_bool(std::string_view name) const {
  auto value = parse_bool(get(name));
  if (!value) return bad_value(name, value.error().what);
  return value;
}

Result<int64_t> Config::get_int(std::string_view name) const {
  const Param* row = find_any_param(name);
  auto value = parse_number(get(name), row ? row->limits : Limits{});
  if (!value) return bad_value(name, value.error().what);
  return value;
}

Result<Duration> Config::get_time(std::string_view name) const {
  const Param* row = find_any_param(name);
  auto value = parse_time(get(name), row ? row->limits : Limits{});
  if (!value) return bad_value(name, value.error().what);
  return value;
}

std::vector<std::string> Config::get_list(std::string_view name) const {
  std::string text = get(name);
  std::vector<std::string> words;
  for (std::string_view word : split_list(text)) words.emplace_back(word);
  return words;
}

std::string Config::where(std::string_view name) const {
  if (const Setting* setting = main_cf_.find(name)) {
    return fmt::format("{}: {} = {}", setting->where(), name, setting->value);
  }
  return fmt::format("default: {} = {}", name, raw(name).value_or(""));
}

std::unexpected<Error> Config::bad_value(std::string_view name, std::string_view what) const {
  return permanent(fmt::format("{}: {}", where(name), what));
}

std::vector<InterfaceAddress> Config::own_addresses() const {
  return config::own_addresses(host_, get("inet_interfaces"), get("inet_protocols"));
}

}  // namespace umaya::config
