// The mistakes that administrators make again and again, and their cures.
#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>

#include "libcommon/base/strings.h"
#include "libcommon/config/check.h"

namespace umaya::config {
namespace {

/// Collects findings about one setting.
class Judge {
 public:
  Judge(const Config& config, std::vector<Finding>& out) : config_(config), out_(out) {}

  void say(Severity severity, std::string_view name, std::string_view what) {
    out_.push_back({severity, fmt::format("{}: {}", config_.where(name), what)});
  }

  /// myhostname, mydomain, myorigin: one host name.
  void host_name(std::string_view name) {
    std::string value = config_.get(name);
    if (value.starts_with('/')) return;  // myorigin = /etc/mailname
    if (value.ends_with('.')) say(Severity::error, name, "a host name ends without a dot here: remove the final dot");
    if (value.find('@') != std::string::npos) say(Severity::error, name, "write a host name, not a mail address");
    if (value.find('_') != std::string::npos) {
      say(Severity::warning, name, "an underscore is not allowed in a host name; other hosts may refuse it");
    }
    if (value.find_first_of(" \t,") != std::string::npos) say(Severity::error, name, "write one name only");
  }

  void my_host_name() {
    std::string value = config_.get("myhostname");
    host_name("myhostname");
    if (value.find('.') == std::string::npos || iends_with(value, ".localdomain")) {
      say(Severity::warning, "myhostname",
          fmt::format("\"{}\" is not a full domain name; other hosts will refuse it: write for example "
                      "myhostname = mail.example.com",
                      value));
    }
  }

  /// A list of domains: mydestination, relay_domains, virtual_alias_domains …
  void domain_list(std::string_view name) {
    std::string written = config_.raw(name).value_or("");
    for (std::string_view word : split_list(written)) {
      bool elsewhere = word.find('$') != std::string_view::npos;  // another parameter's value is judged there
      if (elsewhere || word.starts_with('/') || word.find(':') != std::string_view::npos) continue;
      if (word.ends_with('.')) {
        say(Severity::error, name, fmt::format("\"{}\" matches nothing: remove its final dot", word));
      } else if (word.find('@') != std::string_view::npos) {
        say(Severity::error, name, fmt::format("\"{}\" is a mail address: list domains only", word));
      } else if (word.find('*') != std::string_view::npos) {
        say(Severity::error, name,
            fmt::format("\"{}\": * is not a pattern here: list the domains, or use a pcre: table", word));
      }
    }
  }

  /// No domain may be in two classes of destinations.
  void both(std::string_view first, std::string_view second) {
    auto left = config_.get_list(first), right = config_.get_list(second);
    for (const std::string& word : left) {
      auto same = [&](const std::string& other) { return iequals(word, other); };
      if (word.starts_with('/') || word.find(':') != std::string::npos) continue;
      if (std::none_of(right.begin(), right.end(), same)) continue;
      say(Severity::error, second, fmt::format("do not list domain {} in BOTH {} and {}", word, first, second));
    }
  }

 private:
  const Config& config_;
  std::vector<Finding>& out_;
};

struct Network {
  int family = AF_INET;
  std::array<unsigned char, 16> address{};
  uint64_t prefix = 0;
};

std::optional<Network> parse_network(std::string_view word) {
  Network network;
  std::string address(word.substr(0, word.find('/')));
  if (address.starts_with('[') && address.ends_with(']')) address = address.substr(1, address.size() - 2);
  network.family = address.find(':') == std::string::npos ? AF_INET : AF_INET6;
  if (inet_pton(network.family, address.c_str(), network.address.data()) != 1) return std::nullopt;
  network.prefix = network.family == AF_INET ? 32 : 128;
  if (size_t slash = word.find('/'); slash != std::string_view::npos) {
    auto prefix = parse_uint(word.substr(slash + 1));
    if (!prefix || *prefix > network.prefix) return std::nullopt;
    network.prefix = *prefix;
  }
  return network;
}

bool has_host_bits(const Network& network) {
  for (uint64_t bit = network.prefix; bit < (network.family == AF_INET ? 32u : 128u); ++bit) {
    if (network.address[bit / 8] & (0x80 >> (bit % 8))) return true;
  }
  return false;
}

std::string without_host_bits(Network network) {
  for (uint64_t bit = network.prefix; bit < 128; ++bit)
    network.address[bit / 8] &= static_cast<unsigned char>(~(0x80 >> (bit % 8)));
  char text[INET6_ADDRSTRLEN] = "";
  inet_ntop(network.family, network.address.data(), text, sizeof text);
  const char* form = network.family == AF_INET ? "{}/{}" : "[{}]/{}";
  return fmt::format(fmt::runtime(form), text, network.prefix);
}

void check_networks(const Config& config, Judge& judge) {
  for (const std::string& listed : config.get_list("mynetworks")) {
    std::string_view word = listed;
    if (word.starts_with('!')) word.remove_prefix(1);
    if (word.starts_with('/') || word.empty()) continue;
    bool table =
        word.find(":/") != std::string_view::npos || word.starts_with("static:") || word.starts_with("inline:");
    if (table) continue;
    auto network = parse_network(word);
    if (!network) {
      judge.say(Severity::error, "mynetworks",
                fmt::format("\"{}\" is not a network: write for example 192.168.0.0/24 or [2001:db8::]/32", word));
    } else if (network->prefix == 0) {
      judge.say(Severity::error, "mynetworks",
                fmt::format("\"{}\" is the whole Internet: this makes an open relay", word));
    } else if (has_host_bits(*network)) {
      judge.say(Severity::error, "mynetworks",
                fmt::format("\"{}\" has non-zero host bits: perhaps you meant {}", word, without_host_bits(*network)));
    }
  }
}

/// Comments and quotes belong to the value; few people mean that.
void check_written_value(const Setting& setting, Judge& judge) {
  const std::string& value = setting.value;
  size_t hash = value.find('#');
  if (hash != std::string::npos && hash > 0 && ascii_space(value[hash - 1])) {
    judge.say(Severity::warning, setting.name,
              "the text from # on is part of the value: a comment needs a line of its own");
  }
  bool quoted = value.size() > 1 && (value.front() == '"' || value.front() == '\'') && value.front() == value.back();
  if (quoted) judge.say(Severity::warning, setting.name, "the quotes are part of the value: remove them");
}

/// True when a restriction list, or a restriction class in it, refuses mail for strangers.
bool guards_relay(const Config& config, std::string_view list) {
  constexpr std::string_view kGuards[] = {"reject_unauth_destination", "defer_unauth_destination", "reject", "defer",
                                          "defer_if_permit",           "check_relay_domains"};
  auto classes = config.get_list("smtpd_restriction_classes");
  for (const std::string& word : config.get_list(list)) {
    if (std::find(std::begin(kGuards), std::end(kGuards), word) != std::end(kGuards)) return true;
    bool is_class = word != list && std::find(classes.begin(), classes.end(), word) != classes.end();
    if (is_class && config.get(word).find("_unauth_destination") != std::string::npos) return true;
  }
  return false;
}

void check_relay_control(const Config& config, Judge& judge) {
  if (guards_relay(config, "smtpd_relay_restrictions") || guards_relay(config, "smtpd_recipient_restrictions")) return;
  judge.say(Severity::error, "smtpd_relay_restrictions",
            "with smtpd_recipient_restrictions this makes an open relay: put reject_unauth_destination behind "
            "permit_mynetworks");
}

void check_delivery(const Config& config, Judge& judge) {
  std::string home = config.get("home_mailbox");
  if (iends_with(home, "maildir")) {
    judge.say(Severity::warning, "home_mailbox",
              "without a final / this is one mbox file: write Maildir/ for a directory of messages");
  }
  if (home.starts_with('/') || home.starts_with('~')) {
    judge.say(Severity::error, "home_mailbox", "the path is taken from the home directory: write Maildir/ or Mailbox");
  }
  for (std::string_view name : {"relayhost", "fallback_relay", "smtp_fallback_relay"}) {
    for (const std::string& hop : config.get_list(name)) {
      if (hop.ends_with('.')) judge.say(Severity::error, name, fmt::format("\"{}\": remove the final dot", hop));
    }
  }
  if (config.get("relayhost").find('@') != std::string::npos) {
    judge.say(Severity::error, "relayhost", "write [host] or [host]:port, not a mail address");
  }
}

/// A mailbox that cannot hold one message of the size that is accepted.
void check_sizes(const Config& config, Judge& judge) {
  auto message = config.get_size("message_size_limit");
  for (std::string_view name : {"mailbox_size_limit", "virtual_mailbox_limit"}) {
    auto mailbox = config.get_size(name);
    if (!message || !mailbox || *mailbox == 0 || (*message != 0 && *message <= *mailbox)) continue;
    judge.say(
        Severity::error, config.is_set(name) ? name : "message_size_limit",
        fmt::format("{} is smaller than message_size_limit: what is accepted would come back; raise {}, or set it "
                    "to 0 for no limit",
                    name, name));
  }
}

void check_interfaces(const Config& config, Judge& judge) {
  if (config.is_set("inet_interfaces") && config.own_addresses().empty()) {
    judge.say(Severity::error, "inet_interfaces", "no address of this host is left: write all or loopback-only");
  }
  for (const std::string& word : config.get_list("inet_protocols")) {
    if (iequals(word, "all") || iequals(word, "ipv4") || iequals(word, "ipv6")) continue;
    judge.say(Severity::error, "inet_protocols", fmt::format("\"{}\": write all, ipv4 or ipv6", word));
  }
}

void check_log_in(const Config& config, Judge& judge) {
  if (config.get("smtpd_sasl_type") == "cyrus") {
    judge.say(Severity::warning, "smtpd_sasl_type",
              "nobody can log in: remove this line and smtpd_sasl_path to have authd check passwords (service auth in "
              "master.cf, auth_passwd_file), or write dovecot and the socket of Dovecot's authentication server");
  }
  bool offered = config.get_bool("smtpd_sasl_auth_enable").value_or(false);
  bool encrypted = config.get_bool("smtpd_tls_auth_only").value_or(false) ||
                   config.get("smtpd_tls_security_level") == "encrypt" ||
                   config.get("smtpd_sasl_security_options").find("noplaintext") != std::string::npos;
  if (!offered || encrypted) return;
  judge.say(Severity::warning, "smtpd_sasl_auth_enable",
            "passwords cross the network readable: write smtpd_tls_auth_only = yes, too");
}

}  // namespace

void detail::check_mistakes(const Config& config, std::vector<Finding>& out) {
  Judge judge(config, out);
  for (const Setting& setting : config.main_cf().settings) {
    const Param* row = find_any_param(setting.name);
    if (row && !(row->flags & kRaw)) check_written_value(setting, judge);
  }
  judge.my_host_name();
  for (auto name : {"mydomain", "myorigin"}) {
    if (config.is_set(name) && config.raw(name)->find('$') == std::string::npos) judge.host_name(name);
  }
  for (auto name : {"mydestination", "relay_domains", "virtual_alias_domains", "virtual_mailbox_domains"}) {
    judge.domain_list(name);
  }
  judge.both("mydestination", "virtual_alias_domains");
  judge.both("mydestination", "virtual_mailbox_domains");
  judge.both("virtual_alias_domains", "virtual_mailbox_domains");
  check_networks(config, judge);
  check_relay_control(config, judge);
  check_delivery(config, judge);
  check_sizes(config, judge);
  check_interfaces(config, judge);
  check_log_in(config, judge);
}

}  // namespace umaya::config
