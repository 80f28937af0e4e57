#include "named-lite/config/transfer_conf.h"

namespace umaya::named {

namespace {

void read_notify(const Reading& reading, const Statement& statement, TransferConf& conf) {
  static constexpr Choice<NotifyMode> kModes[] = {
      {"yes", NotifyMode::yes},
      {"no", NotifyMode::no},
      {"explicit", NotifyMode::explicit_only},
      {"primary-only", NotifyMode::primary_only},
      {"master-only", NotifyMode::primary_only},
      {"true", NotifyMode::yes},
      {"false", NotifyMode::no},
      {"1", NotifyMode::yes},
      {"0", NotifyMode::no},
  };
  if (auto mode = choose(reading, statement, 1, kModes)) conf.notify.mode = *mode;
}

void read_format(const Reading& reading, const Statement& statement, TransferConf& conf) {
  static constexpr Choice<TransferFormat> kFormats[] = {
      {"many-answers", TransferFormat::many_answers},
      {"one-answer", TransferFormat::one_answer},
  };
  if (auto format = choose(reading, statement, 1, kFormats)) conf.format = *format;
}

/// allow-transfer [port 53] [transport tcp] { … };
void read_allow_transfer(const Reading& reading, const Statement& statement, TransferConf& conf) {
  for (size_t i = 1; i < statement.parts.size() && !statement.parts[i].is_block(); i += 2) {
    bool plain = iequals(statement.word(i), "transport") && iequals(statement.word(i + 1), "tcp");
    if (plain) continue;
    return reading.error(statement, i, "transfers are given over TCP at every port: leave this out",
                         "allow-transfer { … };");
  }
  if (AclRef list = reading.list(statement)) conf.allow_transfer = std::move(list);
}

using enum net::Family;

constexpr Setting<TransferConf> kSettings[] = {
    {"allow-notify", read_list<&TransferConf::allow_notify>},
    {"allow-transfer", read_allow_transfer},
    {"also-notify",
     [](const Reading& r, const Statement& s, TransferConf& conf) { conf.notify.also = r.remote_servers(s); }},
    {"max-refresh-time", read_duration<&TransferConf::max_refresh, 1, 2419200>},
    {"max-retry-time", read_duration<&TransferConf::max_retry, 1, 1209600>},
    {"max-transfer-idle-in", read_minutes<&TransferConf::max_idle_in, 40320>},
    {"max-transfer-idle-out", read_minutes<&TransferConf::max_idle_out, 40320>},
    {"max-transfer-time-in", read_minutes<&TransferConf::max_time_in, 40320>},
    {"max-transfer-time-out", read_minutes<&TransferConf::max_time_out, 40320>},
    {"min-refresh-time", read_duration<&TransferConf::min_refresh, 1, 2419200>},
    {"min-retry-time", read_duration<&TransferConf::min_retry, 1, 1209600>},
    {"multi-master", read_flag<&TransferConf::multi_master>},
    {"notify", read_notify},
    {"notify-delay",
     [](const Reading& r, const Statement& s, TransferConf& conf) {
       if (auto value = r.number(s, 1, 0, 86400)) conf.notify.delay = seconds(*value);
     }},
    {"notify-source", [](const Reading& r, const Statement& s,
                         TransferConf& conf) { read_source(r, s, ipv4, conf.notify.source.ipv4); }},
    {"notify-source-v6", [](const Reading& r, const Statement& s,
                            TransferConf& conf) { read_source(r, s, ipv6, conf.notify.source.ipv6); }},
    {"notify-to-soa",
     [](const Reading& r, const Statement& s, TransferConf& conf) {
       if (auto value = r.flag(s)) conf.notify.to_soa = *value;
     }},
    {"request-expire", read_flag<&TransferConf::request_expire>},
    {"transfer-format", read_format},
    {"transfer-source",
     [](const Reading& r, const Statement& s, TransferConf& conf) { read_source(r, s, ipv4, conf.source.ipv4); }},
    {"transfer-source-v6",
     [](const Reading& r, const Statement& s, TransferConf& conf) { read_source(r, s, ipv6, conf.source.ipv6); }},
    {"try-tcp-refresh", read_flag<&TransferConf::try_tcp_refresh>},
};

constexpr Setting<TransferLimits> kLimits[] = {
    {"notify-rate", read_number<&TransferLimits::notify_rate, 1, 1'000'000>},
    {"serial-query-rate", read_number<&TransferLimits::serial_query_rate, 1, 1'000'000>},
    {"startup-notify-rate", read_number<&TransferLimits::startup_notify_rate, 1, 1'000'000>},
    {"transfer-message-size", read_number<&TransferLimits::message_size, 512, 65535>},
    {"transfers-in", read_number<&TransferLimits::transfers_in, 0, 10000>},
    {"transfers-out", read_number<&TransferLimits::transfers_out, 0, 10000>},
    {"transfers-per-ns", read_number<&TransferLimits::transfers_per_server, 1, 10000>},
};

}  // namespace

TransferConf::TransferConf() {
  static const AclRef nobody = std::make_shared<const Acl>(acl_of_none());
  allow_transfer = nobody;
}

void read_source(const Reading& reading, const Statement& statement, net::Family family, net::Endpoint& out) {
  net::Endpoint source;
  for (size_t i = 1; i < statement.parts.size(); ++i) {
    std::string_view word = statement.word(i);
    if (iequals(word, "port")) {
      if (statement.word(++i) == "*") continue;
      auto port = reading.port(statement, i);
      if (!port) return;
      source.port = *port;
    } else if (iequals(word, "dscp")) {
      ++i;
    } else if (word != "*" && !iequals(word, "address") && !iequals(word, "none")) {
      auto address = reading.address(statement, i);
      if (!address) return;
      if (address->family() != family) {
        return reading.error(statement, i,
                             statement.name() + " takes an address of " + (family == ipv4 ? "IPv4" : "IPv6"));
      }
      source.address = *address;
    }
  }
  out = source;
}

std::span<const Setting<TransferConf>> transfer_settings() {
  return kSettings;
}

std::span<const Setting<TransferLimits>> transfer_limit_settings() {
  return kLimits;
}

}  // namespace umaya::named
