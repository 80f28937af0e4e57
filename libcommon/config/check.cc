#include "libcommon/config/check.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "libcommon/base/strings.h"
#include "libcommon/config/expand.h"
#include "libcommon/config/values.h"

namespace umaya::config {
namespace {

/// Levenshtein distance, given up beyond limit.
size_t edit_distance(std::string_view a, std::string_view b, size_t limit) {
  if (a.size() > b.size() + limit || b.size() > a.size() + limit) return limit + 1;
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      size_t above = row[j];
      row[j] = std::min({above + 1, row[j - 1] + 1, diagonal + (a[i - 1] != b[j - 1])});
      diagonal = above;
    }
  }
  return row[b.size()];
}

using Names = std::set<std::string, std::less<>>;

/// Names that some value mentions as $name, and the prefixes that tables such as ldap:NAME read from main.cf.
struct Mentioned {
  Names names;
  Names table_sources;

  void add(std::string_view value) {
    for (std::string& name : names_in(value)) names.insert(std::move(name));
    for (std::string_view word : split_list(value)) {
      size_t colon = word.rfind(':');
      if (colon == std::string_view::npos || colon + 1 == word.size() || word[colon + 1] == '/') continue;
      table_sources.emplace(word.substr(colon + 1));
    }
  }

  bool covers(std::string_view name) const {
    if (names.contains(name)) return true;
    return std::any_of(table_sources.begin(), table_sources.end(), [&](const std::string& source) {
      return name.size() > source.size() + 1 && name.starts_with(source) && name[source.size()] == '_';
    });
  }
};

Mentioned mentioned_in(const Config& config, const std::vector<MasterEntry>& services) {
  Mentioned mentioned;
  for (const Setting& setting : config.main_cf().settings) mentioned.add(setting.value);
  for (const MasterEntry& service : services) {
    for (const std::string& argument : service.arguments) mentioned.add(argument);
  }
  for (std::string& name : config.get_list("smtpd_restriction_classes")) mentioned.names.insert(std::move(name));
  return mentioned;
}

bool has_transport(const std::vector<MasterEntry>& services, std::string_view name) {
  return std::any_of(services.begin(), services.end(),
                     [&](const MasterEntry& e) { return e.fields[0] == name && e.fields[1] == "unix"; });
}

/// The transport in "uucp_destination_recipient_limit".
std::string transport_of(std::string_view name, const Param& prototype) {
  size_t suffix = prototype.name.size() - std::string_view("transport").size();
  return std::string(name.substr(0, name.size() - suffix));
}

/// What is to be said about a name that has no row of its own.
std::optional<Finding> unknown_name(const Setting& setting, const Mentioned& mentioned) {
  if (mentioned.covers(setting.name)) return std::nullopt;
  std::string near = nearest_parameter(setting.name);
  std::string cure = near.empty() ? "nothing reads it: remove the line" : "did you mean " + near + "?";
  if (const Param* row = find_transport_prototype(setting.name); row && near.empty()) {
    cure = fmt::format("master.cf has no unix service \"{}\": add it or remove this line",
                       transport_of(setting.name, *row));
  }
  return Finding{Severity::warning, fmt::format("{}: unknown parameter {}: {}", setting.where(), setting.name, cure)};
}

std::optional<Finding> known_name(const Config& config, const Setting& setting, const Param& row) {
  std::string value = config.get(setting.name);
  if (row.kind == Kind::read_only) {
    return Finding{Severity::note, fmt::format("{}: {} is computed: the value here is not used; remove the line",
                                               setting.where(), setting.name)};
  }
  if (auto readable = check_value(row, value); !readable) {
    return Finding{Severity::error, config.bad_value(setting.name, readable.error().what).error().what};
  }
  if (effect_of(row) != Effect::no_effect || setting.name == "mail_name") return std::nullopt;
  auto usual = config.expand(row.default_value);
  if (usual && *usual == value) return std::nullopt;
  return Finding{Severity::note, fmt::format("{}: {} has no effect yet in this version of Umaya ({})", setting.where(),
                                             setting.name, row.doc)};
}

}  // namespace

std::string nearest_parameter(std::string_view name) {
  size_t best = std::max<size_t>(1, std::min<size_t>(3, name.size() / 4)) + 1;
  std::string_view found;
  for (const Param& row : all_params()) {
    size_t distance = edit_distance(name, row.name, best);
    if (distance < best) {
      best = distance;
      found = row.name;
    }
  }
  return std::string(found);
}

void detail::check_settings(const Config& config, const std::vector<MasterEntry>& services, std::vector<Finding>& out) {
  Mentioned mentioned = mentioned_in(config, services);
  for (const Setting& setting : config.main_cf().settings) {
    const Param* row = find_param(setting.name);
    const Param* prototype = row ? nullptr : find_transport_prototype(setting.name);
    if (prototype && has_transport(services, transport_of(setting.name, *prototype))) row = prototype;
    auto finding = row ? known_name(config, setting, *row) : unknown_name(setting, mentioned);
    if (finding) out.push_back(std::move(*finding));
  }
}

std::vector<Finding> check(const Config& config, std::string_view master_cf) {
  std::vector<Finding> out;
  for (const std::string& warning : config.main_cf().warnings) out.push_back({Severity::warning, warning});
  std::string file = config.directory() + "/master.cf";
  auto services = parse_master_entries(master_cf, file);
  if (!services) out.push_back({Severity::error, services.error().what});
  detail::check_settings(config, services.value_or(std::vector<MasterEntry>{}), out);
  detail::check_mistakes(config, out);
  detail::check_tables(config, out);
  if (services) detail::check_services(config, file, *services, out);
  return out;
}

std::vector<Finding> check(const Config& config) {
  auto text = read_config_file(config.directory() + "/master.cf");
  if (text) return check(config, *text);
  std::vector<Finding> out = check(config, "");
  out.push_back({Severity::error, text.error().what});
  return out;
}

}  // namespace umaya::config
