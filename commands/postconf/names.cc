#include "commands/postconf/names.h"

#include <algorithm>
#include <map>

#include "libcommon/base/strings.h"
#include "libcommon/config/expand.h"

namespace umaya::postconf {
namespace {

using config::Config;
using config::MasterEntry;
using config::Param;

/// Programs that qmgr hands mail to, and so read NAME_destination_recipient_limit and the like.
constexpr std::string_view kAgents[] = {"error", "lmtp", "local", "pipe", "smtp", "virtual"};

void add_transport_names(const MasterEntry& entry, NameSet& out) {
  bool timed = entry.command == "pipe" || entry.command == "spawn";
  bool agent = std::find(std::begin(kAgents), std::end(kAgents), entry.command) != std::end(kAgents);
  for (const Param& row : config::all_params()) {
    if (!(row.flags & config::kPrototype)) continue;
    bool wanted = row.name == "transport_time_limit" ? timed : agent;
    if (wanted) out.insert(entry.fields[0] + std::string(row.name.substr(std::string_view("transport").size())));
  }
}

/// Finds what counts: starts from names that certainly do and follows $name.
class Tracer {
 public:
  Tracer(const Config& config, ParameterNames& names, NameSet& undefined)
      : config_(config), names_(names), undefined_(undefined) {}

  void value(std::string_view text) {
    for (const std::string& name : config::names_in(text)) mention(name);
    for (std::string_view word : split_list(text)) table(word);
  }

  /// A name that main.cf sets and something mentions.
  void mention(const std::string& name) {
    names_.mentioned.insert(name);
    if (config_.is_set(name)) return add(name);
    bool known = names_.contains(name) || config::find_param(name) != nullptr;
    if (!known) undefined_.insert(name);
  }

  void add(const std::string& name) {
    const config::Setting* setting = config_.main_cf().find(name);
    if (!setting || names_.contains(name)) return;
    names_.user.insert(name);
    value(setting->value);
  }

 private:
  /// "ldap:NAME" reads NAME_server_host and so on from main.cf.
  void table(std::string_view word) {
    size_t colon = word.rfind(':');
    if (colon == std::string_view::npos || colon + 1 == word.size() || word[colon + 1] == '/') return;
    std::string prefix = std::string(word.substr(colon + 1)) + "_";
    for (const auto& setting : config_.main_cf().settings) {
      if (setting.name.starts_with(prefix)) add(setting.name);
    }
  }

  const Config& config_;
  ParameterNames& names_;
  NameSet& undefined_;
};

}  // namespace

std::vector<std::pair<std::string, std::string>> options_of(const MasterEntry& entry) {
  std::map<std::string, std::string> found;
  for (size_t i = 0; i < entry.arguments.size() && entry.arguments[i].starts_with('-'); ++i) {
    std::string text = entry.arguments[i];
    if (!text.starts_with("-o")) continue;
    text = text == "-o" && i + 1 < entry.arguments.size() ? entry.arguments[++i] : text.substr(2);
    if (auto setting = config::parse_assignment(text)) found[setting->name] = setting->value;
  }
  return {found.begin(), found.end()};
}

ParameterNames ParameterNames::of(const Config& config, const std::vector<MasterEntry>& services) {
  ParameterNames names;
  for (const Param& row : config::all_params()) {
    bool hidden = row.flags & (config::kObsolete | config::kTransport | config::kPrototype);
    if (!hidden) names.builtin.emplace(row.name);
  }
  for (const MasterEntry& entry : services) {
    if (entry.fields[1] != "inet") add_transport_names(entry, names.service);
  }
  NameSet undefined;
  Tracer tracer(config, names, undefined);
  for (const auto& setting : config.main_cf().settings) {
    if (names.builtin.contains(setting.name) || names.service.contains(setting.name)) tracer.value(setting.value);
  }
  for (const auto& setting : config.main_cf().settings) {  // old names count without being mentioned
    const Param* row = config::find_param(setting.name);
    if (row && (row->flags & config::kObsolete)) tracer.add(setting.name);
  }
  for (const std::string& name : config.get_list("smtpd_restriction_classes")) tracer.add(name);
  for (const MasterEntry& entry : services) {
    for (const auto& [name, value] : options_of(entry)) {
      for (const std::string& mentioned : config::names_in(value)) tracer.add(mentioned);
      undefined.erase(name);
    }
  }
  names.undefined.assign(undefined.begin(), undefined.end());
  for (const auto& setting : config.main_cf().settings) {
    if (!names.contains(setting.name)) names.unused.push_back(setting);
  }
  return names;
}

OptionNames OptionNames::of(const Config& config, const ParameterNames& names,
                            const std::vector<MasterEntry>& services) {
  OptionNames result;
  NameSet unused, undefined;
  for (const MasterEntry& entry : services) {
    auto options = options_of(entry);
    NameSet mentioned;
    for (const auto& [name, value] : options) {
      for (std::string& other : config::names_in(value)) mentioned.insert(std::move(other));
    }
    auto sets = [&](std::string_view name) {
      return std::any_of(options.begin(), options.end(), [&](const auto& option) { return option.first == name; });
    };
    for (const auto& [name, value] : options) {
      bool known = names.contains(name) || config::find_param(name) || mentioned.contains(name) ||
                   names.mentioned.contains(name);
      if (!known) unused.insert(name + "=" + value);
    }
    for (const std::string& name : mentioned) {
      if (!names.contains(name) && !config::find_param(name) && !config.is_set(name) && !sets(name)) {
        undefined.insert(name);
      }
    }
  }
  result.unused.assign(unused.begin(), unused.end());
  result.undefined.assign(undefined.begin(), undefined.end());
  return result;
}

}  // namespace umaya::postconf
