#include "named-lite/config/zone_reader.h"

#include <algorithm>

#include "named-lite/config/zone_fit.h"
#include "named-lite/config/zone_index.h"
#include "named-lite/dns/types.h"

namespace umaya::named {

namespace {

constexpr Choice<CheckMode> kCheckModes[] = {
    {"fail", CheckMode::fail}, {"warn", CheckMode::warn}, {"ignore", CheckMode::ignore}};

template <auto Member>
void read_check(const Reading& reading, const Statement& statement, CheckConf& conf) {
  if (auto mode = choose(reading, statement, 1, kCheckModes)) conf.*Member = *mode;
}

/// check-names [primary | secondary | response] fail | warn | ignore
void read_check_names(const Reading& reading, const Statement& statement, CheckConf& conf) {
  std::string_view whose = statement.word(1);
  bool has_whose = statement.parts.size() > 2;
  auto mode = choose(reading, statement, has_whose ? 2 : 1, kCheckModes);
  if (!mode) return;
  if (!has_whose) {
    conf.names_primary = conf.names_secondary = *mode;
  } else if (iequals(whose, "primary") || iequals(whose, "master")) {
    conf.names_primary = *mode;
  } else if (iequals(whose, "secondary") || iequals(whose, "slave")) {
    conf.names_secondary = *mode;
  } else if (iequals(whose, "response")) {
    conf.names_response = *mode;
  } else {
    reading.error(statement, 1, "check-names is for primary, secondary or response", "check-names primary warn;");
  }
}

void read_max_zone_ttl(const Reading& reading, const Statement& statement, CheckConf& conf) {
  if (iequals(statement.word(1), "unlimited")) {
    conf.max_zone_ttl = seconds(0);
    return;
  }
  read_duration<&CheckConf::max_zone_ttl, 1, 2147483647>(reading, statement, conf);
}

constexpr Setting<CheckConf> kChecks[] = {
    {"check-dup-records", read_check<&CheckConf::dup_records>},
    {"check-integrity", read_flag<&CheckConf::integrity>},
    {"check-mx", read_check<&CheckConf::mx>},
    {"check-mx-cname", read_check<&CheckConf::mx_cname>},
    {"check-names", read_check_names},
    {"check-sibling", read_flag<&CheckConf::sibling>},
    {"check-spf", read_check<&CheckConf::spf>},
    {"check-srv-cname", read_check<&CheckConf::srv_cname>},
    {"check-svcb", read_flag<&CheckConf::svcb>},
    {"check-wildcard", read_flag<&CheckConf::wildcard>},
    {"max-zone-ttl", read_max_zone_ttl},
};

void read_file_format(const Reading& reading, const Statement& statement, ZoneSettings& settings) {
  static constexpr Choice<FileFormat> kFormats[] = {{"text", FileFormat::text}, {"raw", FileFormat::raw}};
  if (auto format = choose(reading, statement, 1, kFormats)) settings.file_format = *format;
}

void read_file_style(const Reading& reading, const Statement& statement, ZoneSettings& settings) {
  static constexpr Choice<bool> kStyles[] = {{"relative", false}, {"full", true}};
  if (auto style = choose(reading, statement, 1, kStyles)) settings.full_style = *style;
}

void read_statistics(const Reading& reading, const Statement& statement, ZoneSettings& settings) {
  static constexpr Choice<ZoneStatistics> kModes[] = {
      {"full", ZoneStatistics::full},  {"terse", ZoneStatistics::terse}, {"none", ZoneStatistics::none},
      {"yes", ZoneStatistics::full},   {"no", ZoneStatistics::none},     {"true", ZoneStatistics::full},
      {"false", ZoneStatistics::none},
  };
  if (auto mode = choose(reading, statement, 1, kModes)) settings.statistics = *mode;
}

constexpr Setting<ZoneSettings> kSettings[] = {
    {"allow-query", read_list<&ZoneSettings::allow_query>},
    {"allow-query-on", read_list<&ZoneSettings::allow_query_on>},
    {"masterfile-format", read_file_format},
    {"masterfile-style", read_file_style},
    {"zone-statistics", read_statistics},
};

template <auto Member>
void read_primaries(const Reading& reading, const Statement& statement, ZoneConf& zone) {
  zone.*Member = reading.remote_servers(statement);
}

void read_server_addresses(const Reading& reading, const Statement& statement, ZoneConf& zone) {
  const Part* block = reading.block(statement, "server-addresses { 192.0.2.1; };");
  if (block == nullptr) return;
  for (const Statement& each : block->block) {
    if (auto address = reading.address(each, 0)) zone.server_addresses.push_back(*address);
  }
}

void read_server_names(const Reading& reading, const Statement& statement, ZoneConf& zone) {
  const Part* block = reading.block(statement, "server-names { \"ns.example.org\"; };");
  if (block == nullptr) return;
  for (const Statement& each : block->block) {
    if (auto name = reading.name(each, 0)) zone.server_names.push_back(name->lower());
  }
}

/// What only zones have.
constexpr Setting<ZoneConf> kZone[] = {
    {"file", read_text<&ZoneConf::file>},
    {"in-view", read_text<&ZoneConf::in_view>},
    {"journal", read_text<&ZoneConf::journal>},
    {"masters", read_primaries<&ZoneConf::primaries>},
    {"primaries", read_primaries<&ZoneConf::primaries>},
    {"server-addresses", read_server_addresses},
    {"server-names", read_server_names},
    {"update-policy",
     [](const Reading& r, const Statement& s, ZoneConf& zone) { read_update_policy(r, s, zone.update_policy); }},
};

struct TypeRow {
  std::string_view word;
  ZoneType type;
  bool served;
};
constexpr TypeRow kTypes[] = {
    {"primary", ZoneType::primary, true},
    {"master", ZoneType::primary, true},
    {"secondary", ZoneType::secondary, true},
    {"slave", ZoneType::secondary, true},
    {"hint", ZoneType::hint, true},
    {"forward", ZoneType::forward, true},
    {"stub", ZoneType::stub, true},
    {"static-stub", ZoneType::static_stub, true},
    {"mirror", ZoneType::other, false},
    {"redirect", ZoneType::other, false},
    {"delegation-only", ZoneType::other, false},
};

void warn_not_served(const Reading& reading, const Place& place, const ZoneConf& zone, std::string_view type) {
  reading.problems.warning(
      place, "zone " + zone.name.text() + ": type " + std::string(type) + " is not served yet: the zone has no effect");
}

void read_type(const Reading& reading, const Statement& statement, ZoneConf& zone) {
  for (const TypeRow& row : kTypes) {
    if (!iequals(row.word, statement.word(1))) continue;
    zone.type = row.type;
    if (!row.served) warn_not_served(reading, statement.place(1), zone, row.word);
    return;
  }
  reading.error(statement, 1, "\"" + std::string(statement.word(1)) + "\" is no type of zone", "type primary;");
}

/// Name and class; false when the zone is not to be read.
bool read_zone_head(const Reading& reading, const Statement& statement, ZoneConf& zone) {
  std::string_view text = statement.word(1);
  if (text.empty() || statement.block() == nullptr) {
    reading.error(statement, 0, "zone needs a name and a block", "zone \"example.org\" { type primary; file \"…\"; };");
    return false;
  }
  zone.place = statement.place(1);
  auto name = Name::from_text(text);
  if (!name) {
    reading.error(statement, 1, name.error().what);
    return false;
  }
  zone.name = *name;
  if (statement.word(2).empty()) return true;
  auto cls = class_from_text(statement.word(2));
  if (!cls) {
    reading.error(statement, 2, "\"" + std::string(statement.word(2)) + "\" is no class");
    return false;
  }
  if (*cls != rr_class::kIn) {
    reading.problems.warning(statement.place(2), "only class IN is served: this zone has no effect");
    return false;
  }
  return true;
}

/// What a zone of its type must have.
void check_complete(const Reading& reading, const Statement& statement, const ZoneConf& zone) {
  std::string label = "zone \"" + std::string(statement.word(1)) + "\"";
  bool needs_file = zone.type == ZoneType::primary || zone.type == ZoneType::hint;
  if (needs_file && zone.file.empty()) reading.error(statement, 1, label + " has no file", "file \"db.…\";");
  if (zone.type == ZoneType::secondary && zone.primaries.empty()) {
    reading.error(statement, 1, label + " is secondary and has no primaries", "primaries { 192.0.2.1; };");
  }
  if (zone.type == ZoneType::stub && zone.primaries.empty()) {
    reading.error(statement, 1, label + " is a stub and has no primaries", "primaries { 192.0.2.1; };");
  }
  if (zone.type == ZoneType::forward && !zone.forward.said) {
    reading.error(statement, 1, label + " has no forwarders", "forwarders { 192.0.2.1; };");
  }
  bool has_servers = !zone.server_addresses.empty() || !zone.server_names.empty();
  if (zone.type == ZoneType::static_stub && !has_servers) {
    reading.error(statement, 1, label + " has no servers", "server-addresses { 192.0.2.1; };");
  }
}

/// All statements of a zone but its type. What the view says is copied when the zone says something of its own.
void read_zone_body(const Reading& reading, const Part& block, ZoneConf& zone) {
  std::unique_ptr<ZoneSettings> own;
  for (const Statement& each : block.block) {
    if (!check_known(reading, each, context::kZone, "a zone")) continue;
    check_fit(reading.problems, each, zone.type);
    if (apply_setting<ZoneConf>(kZone, reading, each, zone)) continue;
    if (apply_setting<ForwardConf>(forward_settings(), reading, each, zone.forward)) continue;
    if (iequals(each.name(), "type")) continue;
    if (!own) own = std::make_unique<ZoneSettings>(*zone.settings);
    read_zone_setting(reading, each, *own);
  }
  if (own) zone.settings = std::move(own);
}

void read_match(const Reading& reading, const Statement& each, ViewConf& view) {
  if (iequals(each.name(), "match-clients")) {
    if (AclRef list = reading.list(each)) view.match_clients = std::move(list);
  } else if (iequals(each.name(), "match-destinations")) {
    if (AclRef list = reading.list(each)) view.match_destinations = std::move(list);
  } else if (iequals(each.name(), "match-recursive-only")) {
    if (auto value = reading.flag(each)) view.match_recursive_only = *value;
  }
}

}  // namespace

bool check_known(const Reading& reading, const Statement& statement, unsigned where, std::string_view inside) {
  const std::string& name = statement.name();
  const StatementInfo* info = statement_info(name, where);
  if (info == nullptr) {
    std::string_view near = nearest_statement(name, where);
    std::string cure;
    if (!near.empty()) {
      cure = near;
      for (size_t i = 1; i < statement.parts.size(); ++i) {
        const Part& part = statement.parts[i];
        cure += part.is_block()                   ? " { … }"
                : part.kind == Part::Kind::quoted ? " \"" + part.text + "\""
                                                  : " " + part.text;
      }
      cure += ';';
    }
    reading.error(statement, 0, "\"" + name + "\" is no statement of " + std::string(inside), cure);
    return false;
  }
  if (info->effect == Effect::used) return true;
  // What is switched off has no effect here either: nothing to warn of.
  if (iequals(statement.word(1), "no") || iequals(statement.word(1), "none")) return true;
  reading.problems.warning(statement.place(), info->effect == Effect::obsolete
                                                  ? "\"" + name + "\" " + std::string(kIsObsolete) + ": take it out"
                                                  : "\"" + name + "\" is not used by named-lite and has no effect");
  return true;
}

bool read_zone_setting(const Reading& reading, const Statement& statement, ZoneSettings& settings) {
  return apply_setting<ZoneSettings>(kSettings, reading, statement, settings) ||
         apply_setting<TransferConf>(transfer_settings(), reading, statement, settings.transfer) ||
         apply_setting<UpdateConf>(update_settings(), reading, statement, settings.update) ||
         apply_setting<CheckConf>(kChecks, reading, statement, settings.check);
}

bool read_view_default(const Reading& reading, const Statement& statement, ViewDefaults& defaults) {
  return read_zone_setting(reading, statement, defaults.settings) ||
         apply_setting<RecursionConf>(recursion_settings(), reading, statement, defaults.recursion) ||
         apply_setting<AnswerConf>(answer_settings(), reading, statement, defaults.answer);
}

std::string_view zone_type_text(ZoneType type) {
  switch (type) {
    case ZoneType::primary:
      return "primary";
    case ZoneType::secondary:
      return "secondary";
    case ZoneType::hint:
      return "hint";
    case ZoneType::forward:
      return "forward";
    case ZoneType::stub:
      return "stub";
    case ZoneType::static_stub:
      return "static-stub";
    case ZoneType::in_view:
      return "in-view";
    case ZoneType::other:
      break;
  }
  return "other";
}

ZoneSettingsRef ZoneConf::default_settings() {
  static const ZoneSettingsRef settings = [] {
    ZoneSettings all;
    all.allow_query = std::make_shared<const Acl>(acl_of_any());
    return std::make_shared<const ZoneSettings>(std::move(all));
  }();
  return settings;
}

const ZoneConf* ViewConf::zone(std::string_view wire) const {
  auto found =
      std::find_if(zones.begin(), zones.end(), [&](const ZoneConf& each) { return same_name(each.name.wire(), wire); });
  return found != zones.end() ? &*found : nullptr;
}

ViewConf make_view(std::string name, ViewDefaults defaults, AclNames& acls) {
  static const AclRef any = std::make_shared<const Acl>(acl_of_any());
  ViewConf view;
  view.name = std::move(name);
  view.match_clients = view.match_destinations = any;
  view.recursion = std::move(defaults.recursion);
  finish_recursion(view.recursion, defaults.settings.allow_query, acls);
  if (!defaults.settings.allow_query) defaults.settings.allow_query = any;
  view.answer = std::move(defaults.answer);
  view.peers = std::move(defaults.peers);
  view.settings = std::make_shared<const ZoneSettings>(std::move(defaults.settings));
  return view;
}

void read_zone(const Reading& reading, const Statement& statement, ViewConf& view, ZonePlaces& places) {
  ZoneConf zone;
  zone.settings = view.settings;
  if (!read_zone_head(reading, statement, zone)) return;
  const Part& block = *statement.block();
  bool has_type = false;
  for (const Statement& each : block.block) {
    if (each.parts[0].is_block()) continue;
    if (iequals(each.name(), "type")) {
      read_type(reading, each, zone);
      has_type = true;
    } else if (iequals(each.name(), "in-view")) {
      zone.type = ZoneType::in_view;
      has_type = true;
    }
  }
  std::string text(statement.word(1));
  if (!has_type) reading.error(statement, 1, "zone \"" + text + "\" has no type", "type primary;");
  size_t before = reading.problems.errors();
  read_zone_body(reading, block, zone);
  if (has_type && reading.problems.errors() == before) check_complete(reading, statement, zone);
  auto [first, is_new] = places.emplace(zone.name.lower().wire(), zone.place);
  if (!is_new) {
    return reading.error(statement, 1,
                         "zone \"" + text + "\" is there twice: the first is in " + first->second.file + " line " +
                             std::to_string(first->second.line));
  }
  add_peer_keys(view.peers, zone.primaries);
  view.zones.push_back(std::move(zone));
}

std::optional<ViewConf> read_view(const Reading& reading, const Statement& statement, const ViewDefaults& options) {
  const Part* block = statement.block();
  if (statement.word(1).empty() || block == nullptr) {
    reading.error(statement, 0, "view needs a name and a block", "view \"inside\" { match-clients { … }; … };");
    return std::nullopt;
  }
  ViewDefaults defaults = options;
  // What holds for the zones of the view may stand behind them.
  for (const Statement& each : block->block) {
    if (!check_known(reading, each, context::kView, "a view")) continue;
    if (iequals(each.name(), "server")) read_peer(reading, each, defaults.peers);
    read_view_default(reading, each, defaults);
    if (iequals(each.name(), "answer-cookie")) {
      reading.problems.warning(each.place(), "answer-cookie holds for all views: in a view it has no effect",
                               "options { answer-cookie no; };");
    }
  }
  ViewConf view = make_view(std::string(statement.word(1)), std::move(defaults), reading.acls);
  ZonePlaces places;
  for (const Statement& each : block->block) {
    read_match(reading, each, view);
    if (iequals(each.name(), "zone")) read_zone(reading, each, view, places);
  }
  return view;
}

}  // namespace umaya::named
