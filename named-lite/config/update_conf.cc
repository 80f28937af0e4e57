#include "named-lite/config/update_conf.h"

#include "named-lite/dns/types.h"

namespace umaya::named {

namespace {

void read_serial_method(const Reading& reading, const Statement& statement, UpdateConf& conf) {
  static constexpr Choice<SerialMethod> kMethods[] = {
      {"increment", SerialMethod::increment},
      {"unixtime", SerialMethod::unix_time},
      {"date", SerialMethod::date},
  };
  if (auto method = choose(reading, statement, 1, kMethods)) conf.serial_method = *method;
}

void read_differences(const Reading& reading, const Statement& statement, UpdateConf& conf) {
  static constexpr Choice<Differences> kWhose[] = {
      {"yes", Differences::yes},
      {"no", Differences::no},
      {"primary", Differences::primary},
      {"master", Differences::primary},
      {"secondary", Differences::secondary},
      {"slave", Differences::secondary},
      {"true", Differences::yes},
      {"false", Differences::no},
      {"1", Differences::yes},
      {"0", Differences::no},
  };
  if (auto whose = choose(reading, statement, 1, kWhose)) conf.from_differences = *whose;
}

/// "80%" or unlimited.
void read_ixfr_ratio(const Reading& reading, const Statement& statement, UpdateConf& conf) {
  std::string_view word = statement.word(1);
  if (iequals(word, "unlimited")) {
    conf.max_ixfr_ratio = 0;
    return;
  }
  auto value = word.ends_with('%') ? parse_uint(word.substr(0, word.size() - 1)) : std::nullopt;
  if (!value || *value < 1 || *value > 1000) {
    return reading.error(statement, 1, "max-ixfr-ratio is unlimited or from 1% to 1000%", "max-ixfr-ratio 100%;");
  }
  conf.max_ixfr_ratio = static_cast<uint16_t>(*value);
}

constexpr Setting<UpdateConf> kSettings[] = {
    {"allow-update", read_list<&UpdateConf::allow_update>},
    {"allow-update-forwarding", read_list<&UpdateConf::allow_update_forwarding>},
    {"ixfr-from-differences", read_differences},
    {"max-ixfr-ratio", read_ixfr_ratio},
    {"max-journal-size", read_size<&UpdateConf::max_journal_size>},
    {"max-records", read_number<&UpdateConf::max_records, 0, UINT32_MAX>},
    {"max-records-per-type", read_number<&UpdateConf::max_records_per_type, 0, UINT32_MAX>},
    {"max-types-per-name", read_number<&UpdateConf::max_types_per_name, 0, UINT32_MAX>},
    {"provide-ixfr", read_flag<&UpdateConf::provide_ixfr>},
    {"request-ixfr", read_flag<&UpdateConf::request_ixfr>},
    {"serial-update-method", read_serial_method},
};

constexpr Setting<UpdateLimits> kLimits[] = {
    {"flush-zones-on-shutdown", read_flag<&UpdateLimits::flush_zones_on_shutdown>},
    {"update-quota", read_number<&UpdateLimits::update_quota, 1, 100'000>},
};

constexpr Choice<RuleType> kRuleTypes[] = {
    {"name", RuleType::name},         {"subdomain", RuleType::subdomain}, {"zonesub", RuleType::zonesub},
    {"wildcard", RuleType::wildcard}, {"self", RuleType::self},           {"selfsub", RuleType::selfsub},
    {"selfwild", RuleType::selfwild}, {"tcp-self", RuleType::tcp_self},
};

/// "A", "ANY", "TYPE65280", "PTR(1)".
bool read_type(const Reading& reading, const Statement& rule, size_t part, UpdateRule& out) {
  std::string_view word = rule.word(part);
  UpdateRule::Limit limit;
  size_t open = word.find('(');
  if (open != std::string_view::npos && word.ends_with(')')) {
    auto most = parse_uint(word.substr(open + 1, word.size() - open - 2));
    if (!most || *most < 1 || *most > 65535) {
      reading.error(rule, part, "a number of records is from 1 to 65535");
      return false;
    }
    limit.most = static_cast<uint16_t>(*most);
    word = word.substr(0, open);
  }
  auto type = iequals(word, "ANY") ? std::optional<uint16_t>(type::kAny) : type_from_text(word);
  if (!type) {
    std::string_view near = nearest_type(word);
    reading.error(rule, part, "there is no type \"" + std::string(word) + "\"", std::string(near));
    return false;
  }
  limit.type = *type;
  out.types.push_back(limit);
  return true;
}

/// grant|deny identity type [name] [types…]
std::optional<UpdateRule> read_rule(const Reading& reading, const Statement& rule) {
  static constexpr std::string_view kExample = "grant key.example. name host.example. A AAAA;";
  UpdateRule out;
  out.grant = iequals(rule.word(0), "grant");
  if (!out.grant && !iequals(rule.word(0), "deny")) {
    reading.error(rule, 0, "a rule begins with grant or deny", std::string(kExample));
    return std::nullopt;
  }
  if (rule.parts.size() < 3) {
    reading.error(rule, 0, "a rule has a key, a type of rule, and names what it is for", std::string(kExample));
    return std::nullopt;
  }
  auto identity = reading.name(rule, 1);
  auto type = choose(reading, rule, 2, kRuleTypes);
  if (!identity || !type) return std::nullopt;
  out.identity = identity->lower();
  out.type = *type;
  size_t next = 3;
  // BIND's grammar: rules about the key's own name have a name here too, which says nothing.
  if (*type != RuleType::zonesub) {
    auto name = reading.name(rule, next++);
    if (!name) return std::nullopt;
    out.name = name->lower();
  }
  for (; next < rule.parts.size(); ++next) {
    if (!read_type(reading, rule, next, out)) return std::nullopt;
  }
  return out;
}

}  // namespace

UpdateConf::UpdateConf() {
  static const AclRef nobody = std::make_shared<const Acl>(acl_of_none());
  allow_update = nobody;
  allow_update_forwarding = nobody;
}

void read_update_policy(const Reading& reading, const Statement& statement, UpdatePolicy& policy) {
  if (iequals(statement.word(1), "local")) {
    UpdateRule rule;
    rule.grant = true;
    rule.identity = *Name::from_text("local-ddns.");
    rule.type = RuleType::zonesub;
    rule.types.push_back({type::kAny, 0});
    policy = {rule};
    return;
  }
  const Part* block = reading.block(statement, "update-policy { grant key.example. zonesub ANY; };");
  if (block == nullptr) return;
  policy.clear();
  for (const Statement& each : block->block) {
    if (auto rule = read_rule(reading, each)) policy.push_back(std::move(*rule));
  }
}

std::span<const Setting<UpdateConf>> update_settings() {
  return kSettings;
}

std::span<const Setting<UpdateLimits>> update_limit_settings() {
  return kLimits;
}

}  // namespace umaya::named
