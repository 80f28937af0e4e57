#include "named-lite/config/answer_conf.h"

#include "named-lite/dns/types.h"

namespace umaya::named {

namespace {

void read_minimal(const Reading& reading, const Statement& statement, AnswerConf& conf) {
  static constexpr Choice<MinimalResponses> kModes[] = {
      {"yes", MinimalResponses::yes},         {"no", MinimalResponses::no},
      {"no-auth", MinimalResponses::no_auth}, {"no-auth-recursive", MinimalResponses::no_auth_recursive},
      {"true", MinimalResponses::yes},        {"false", MinimalResponses::no},
      {"1", MinimalResponses::yes},           {"0", MinimalResponses::no},
  };
  if (auto mode = choose(reading, statement, 1, kModes)) conf.minimal = *mode;
}

void read_scale(const Reading& reading, const Statement& statement, RateLimitConf& conf) {
  if (auto value = reading.number(statement, 1, 1, 1'000'000)) conf.qps_scale = static_cast<double>(*value);
}

using L = RateLimitConf;
constexpr Setting<RateLimitConf> kRates[] = {
    {"all-per-second", read_number<&L::all_per_second, 0, 1000>},
    {"errors-per-second", read_number<&L::errors_per_second, 0, 1000>},
    {"exempt-clients", read_list<&L::exempt_clients>},
    {"ipv4-prefix-length", read_number<&L::ipv4_prefix, 1, 32>},
    {"ipv6-prefix-length", read_number<&L::ipv6_prefix, 1, 128>},
    {"log-only", read_flag<&L::log_only>},
    {"max-table-size", read_number<&L::max_table_size, 1, 1'000'000'000>},
    {"min-table-size", read_number<&L::min_table_size, 0, 1'000'000'000>},
    {"nodata-per-second", read_number<&L::nodata_per_second, 0, 1000>},
    {"nxdomains-per-second", read_number<&L::nxdomains_per_second, 0, 1000>},
    {"qps-scale", read_scale},
    {"referrals-per-second", read_number<&L::referrals_per_second, 0, 1000>},
    {"responses-per-second", read_number<&L::responses_per_second, 0, 1000>},
    {"slip", read_number<&L::slip, 0, 10>},
    {"window", read_number<&L::window, 1, 3600>},
};

void read_rate_limit(const Reading& reading, const Statement& statement, AnswerConf& conf) {
  const Part* block = reading.block(statement, "rate-limit { responses-per-second 10; };");
  if (block == nullptr) return;
  RateLimitConf rates;
  rates.enabled = true;
  // The others are as this one when they are not said.
  for (const Statement& each : block->block) {
    if (iequals(each.name(), "responses-per-second")) apply_setting<RateLimitConf>(kRates, reading, each, rates);
  }
  rates.referrals_per_second = rates.nodata_per_second = rates.nxdomains_per_second = rates.errors_per_second =
      rates.responses_per_second;
  for (const Statement& each : block->block) {
    if (iequals(each.name(), "responses-per-second")) continue;
    if (!apply_setting<RateLimitConf>(kRates, reading, each, rates)) {
      reading.error(each, 0, "\"" + each.name() + "\" is no statement of rate-limit");
    }
  }
  conf.rate_limit = std::move(rates);
}

/// [class IN] [type A] [name "x"] order cyclic
std::optional<OrderRule> read_order_rule(const Reading& reading, const Statement& rule) {
  static constexpr Choice<RrsetOrder> kOrders[] = {
      {"cyclic", RrsetOrder::cyclic},
      {"random", RrsetOrder::random},
      {"fixed", RrsetOrder::fixed},
      {"none", RrsetOrder::none},
  };
  OrderRule out;
  bool has_order = false;
  for (size_t i = 0; i < rule.parts.size(); i += 2) {
    std::string_view word = rule.word(i), value = rule.word(i + 1);
    if (iequals(word, "class")) continue;
    if (iequals(word, "type")) {
      auto type = iequals(value, "ANY") ? std::optional<uint16_t>(0) : type_from_text(value);
      if (!type) return reading.error(rule, i + 1, "there is no type \"" + std::string(value) + "\""), std::nullopt;
      out.type = *type;
    } else if (iequals(word, "name")) {
      if (value == "*") continue;
      out.wildcard = value.starts_with("*.");
      auto name = Name::from_text(out.wildcard ? value.substr(2) : value);
      if (!name) return reading.error(rule, i + 1, name.error().what), std::nullopt;
      out.name = name->lower();
    } else if (iequals(word, "order")) {
      auto order = choose(reading, rule, i + 1, kOrders);
      if (!order) return std::nullopt;
      out.order = *order;
      has_order = true;
    } else {
      return reading.error(rule, i, "a rule has class, type, name and order", "order cyclic;"), std::nullopt;
    }
  }
  if (!has_order) return reading.error(rule, 0, "the rule has no order", "order cyclic;"), std::nullopt;
  return out;
}

void read_rrset_order(const Reading& reading, const Statement& statement, AnswerConf& conf) {
  const Part* block = reading.block(statement, "rrset-order { order cyclic; };");
  if (block == nullptr) return;
  conf.rrset_order.clear();
  for (const Statement& each : block->block) {
    if (auto rule = read_order_rule(reading, each)) conf.rrset_order.push_back(std::move(*rule));
  }
}

void read_disabled_zone(const Reading& reading, const Statement& statement, AnswerConf& conf) {
  if (auto name = reading.name(statement)) conf.disabled_empty_zones.push_back(name->lower());
}

/// A text, `none`, or a word that means "what is said by default".
template <auto Member>
void read_identity(const Reading& reading, const Statement& statement, ServerAnswerConf& conf) {
  bool quoted = statement.parts.size() > 1 && statement.parts[1].kind == Part::Kind::quoted;
  std::string_view word = statement.word(1);
  if (statement.parts.size() != 2 || statement.parts[1].is_block() || word.size() > 255) {
    return reading.error(statement, 0, statement.name() + " is a text of at most 255 octets, or none",
                         statement.name() + " none;");
  }
  conf.*Member = !quoted && iequals(word, "none") ? std::string() : std::string(word);
}

/// server-id "text" | hostname | none
void read_server_id(const Reading& reading, const Statement& statement, ServerAnswerConf& conf) {
  bool quoted = statement.parts.size() > 1 && statement.parts[1].kind == Part::Kind::quoted;
  if (!quoted && iequals(statement.word(1), "hostname")) {
    conf.server_id = name_of_host();
    return;
  }
  read_identity<&ServerAnswerConf::server_id>(reading, statement, conf);
}

void read_cookie_secret(const Reading& reading, const Statement& statement, ServerAnswerConf& conf) {
  auto secret = hex_decode(statement.word(1));
  if (!secret || secret->size() != 16) {
    return reading.error(statement, 1, "a cookie-secret is 32 hexadecimal digits",
                         "cookie-secret \"…\"; as openssl rand -hex 16 prints it");
  }
  conf.cookie_secrets.push_back(std::move(*secret));
}

void read_cookie_algorithm(const Reading& reading, const Statement& statement, ServerAnswerConf& conf) {
  static constexpr Choice<CookieAlgorithm> kAlgorithms[] = {{"siphash24", CookieAlgorithm::siphash24},
                                                            {"aes", CookieAlgorithm::aes}};
  if (auto algorithm = choose(reading, statement, 1, kAlgorithms)) conf.cookie_algorithm = *algorithm;
}

/// Tenths of a second.
template <auto Member, uint64_t Least, uint64_t Most>
void read_tenths(const Reading& reading, const Statement& statement, ServerAnswerConf& conf) {
  if (auto value = reading.number(statement, 1, Least, Most)) conf.*Member = std::chrono::milliseconds(*value * 100);
}

void read_querylog(const Reading& reading, const Statement& statement, ServerAnswerConf& conf) {
  auto value = reading.flag(statement);
  if (!value) return;
  conf.querylog = *value;
  conf.querylog_said = true;
}

using A = AnswerConf;
constexpr Setting<AnswerConf> kSettings[] = {
    {"auth-nxdomain", read_flag<&A::auth_nxdomain>},
    {"disable-empty-zone", read_disabled_zone},
    {"empty-contact", read_text<&A::empty_contact>},
    {"empty-server", read_text<&A::empty_server>},
    {"empty-zones-enable", read_flag<&A::empty_zones>},
    {"max-udp-size", read_number<&A::max_udp_size, 512, 4096>},
    {"message-compression", read_flag<&A::message_compression>},
    {"minimal-any", read_flag<&A::minimal_any>},
    {"minimal-responses", read_minimal},
    {"nocookie-udp-size", read_number<&A::nocookie_udp_size, 128, 4096>},
    {"rate-limit", read_rate_limit},
    {"require-server-cookie", read_flag<&A::require_server_cookie>},
    {"rrset-order", read_rrset_order},
};

using S = ServerAnswerConf;
constexpr Setting<ServerAnswerConf> kServer[] = {
    {"answer-cookie", read_flag<&S::answer_cookie>},
    {"blackhole", read_list<&S::blackhole>},
    {"cookie-algorithm", read_cookie_algorithm},
    {"cookie-secret", read_cookie_secret},
    {"hostname", read_identity<&S::hostname>},
    {"querylog", read_querylog},
    {"server-id", read_server_id},
    {"tcp-advertised-timeout", read_tenths<&S::tcp_advertised_timeout, 0, 65535>},
    {"tcp-clients", read_number<&S::tcp_clients, 1, 1'000'000>},
    {"tcp-idle-timeout", read_tenths<&S::tcp_idle_timeout, 1, 1200>},
    {"tcp-initial-timeout", read_tenths<&S::tcp_initial_timeout, 25, 1200>},
    {"tcp-keepalive-timeout", read_tenths<&S::tcp_keepalive_timeout, 1, 65535>},
    {"tcp-listen-queue", read_number<&S::tcp_listen_queue, 1, 65535>},
    {"version", read_identity<&S::version>},
};

}  // namespace

std::span<const Setting<AnswerConf>> answer_settings() {
  return kSettings;
}

std::span<const Setting<ServerAnswerConf>> server_answer_settings() {
  return kServer;
}

}  // namespace umaya::named
