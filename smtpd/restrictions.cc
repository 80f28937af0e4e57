#include "smtpd/restrictions.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "libcommon/base/strings.h"

namespace umaya::smtpd {

namespace {

constexpr int kMaxNesting = 100;

enum class Argument : uint8_t { none, table, number, word, server };

struct Word {
  std::string_view name;
  Check check;
  Argument argument = Argument::none;
};

constexpr auto kWords = std::to_array<Word>({
    {"permit", Check::permit},
    {"reject", Check::reject},
    {"defer", Check::defer},
    {"defer_if_permit", Check::defer_if_permit},
    {"defer_if_reject", Check::defer_if_reject},
    {"warn_if_reject", Check::warn_if_reject},
    {"sleep", Check::sleep, Argument::number},
    {"reject_unauth_pipelining", Check::reject_unauth_pipelining},
    {"reject_multi_recipient_bounce", Check::reject_multi_recipient_bounce},
    {"permit_mynetworks", Check::permit_mynetworks},
    {"permit_inet_interfaces", Check::permit_inet_interfaces},
    {"permit_sasl_authenticated", Check::permit_sasl_authenticated},
    {"reject_unknown_client_hostname", Check::reject_unknown_client_hostname},
    {"reject_unknown_client", Check::reject_unknown_client_hostname},
    {"reject_unknown_reverse_client_hostname", Check::reject_unknown_reverse_client_hostname},
    {"reject_invalid_helo_hostname", Check::reject_invalid_helo_hostname},
    {"reject_invalid_hostname", Check::reject_invalid_helo_hostname},
    {"reject_non_fqdn_helo_hostname", Check::reject_non_fqdn_helo_hostname},
    {"reject_non_fqdn_hostname", Check::reject_non_fqdn_helo_hostname},
    {"reject_unknown_helo_hostname", Check::reject_unknown_helo_hostname},
    {"reject_unknown_hostname", Check::reject_unknown_helo_hostname},
    {"reject_non_fqdn_sender", Check::reject_non_fqdn_sender},
    {"reject_unknown_sender_domain", Check::reject_unknown_sender_domain},
    {"reject_unknown_address", Check::reject_unknown_sender_domain},
    {"reject_unlisted_sender", Check::reject_unlisted_sender},
    {"reject_unauth_destination", Check::reject_unauth_destination},
    {"check_relay_domains", Check::reject_unauth_destination},
    {"defer_unauth_destination", Check::defer_unauth_destination},
    {"permit_auth_destination", Check::permit_auth_destination},
    {"reject_non_fqdn_recipient", Check::reject_non_fqdn_recipient},
    {"reject_unknown_recipient_domain", Check::reject_unknown_recipient_domain},
    {"reject_unlisted_recipient", Check::reject_unlisted_recipient},
    {"check_recipient_maps", Check::reject_unlisted_recipient},
    {"check_client_access", Check::check_client_access, Argument::table},
    {"check_reverse_client_hostname_access", Check::check_reverse_client_hostname_access, Argument::table},
    {"check_helo_access", Check::check_helo_access, Argument::table},
    {"check_sender_access", Check::check_sender_access, Argument::table},
    {"check_recipient_access", Check::check_recipient_access, Argument::table},
    {"check_etrn_access", Check::check_etrn_access, Argument::table},
    {"check_policy_service", Check::check_policy_service, Argument::server},
    {"reject_plaintext_session", Check::reject_plaintext_session},
    {"permit_tls_clientcerts", Check::permit_tls_clientcerts},
    {"permit_tls_all_clientcerts", Check::permit_tls_all_clientcerts},
    {"check_ccert_access", Check::check_ccert_access, Argument::table},
    {"check_sasl_access", Check::check_sasl_access, Argument::table},
    {"reject_sender_login_mismatch", Check::reject_sender_login_mismatch},
    {"reject_authenticated_sender_login_mismatch", Check::reject_authenticated_sender_login_mismatch},
    {"reject_known_sender_login_mismatch", Check::reject_known_sender_login_mismatch},
    {"reject_unauthenticated_sender_login_mismatch", Check::reject_unauthenticated_sender_login_mismatch},
    {"permit_pop_before_smtp", Check::permit_pop_before_smtp},
    {"reject_over_quota", Check::reject_over_quota},
    // Known, and without effect yet.
    {"check_client_a_access", Check::not_yet, Argument::word},
    {"check_client_mx_access", Check::not_yet, Argument::word},
    {"check_client_ns_access", Check::not_yet, Argument::word},
    {"check_reverse_client_hostname_a_access", Check::not_yet, Argument::word},
    {"check_reverse_client_hostname_mx_access", Check::not_yet, Argument::word},
    {"check_reverse_client_hostname_ns_access", Check::not_yet, Argument::word},
    {"check_helo_a_access", Check::not_yet, Argument::word},
    {"check_helo_mx_access", Check::not_yet, Argument::word},
    {"check_helo_ns_access", Check::not_yet, Argument::word},
    {"check_sender_a_access", Check::not_yet, Argument::word},
    {"check_sender_mx_access", Check::not_yet, Argument::word},
    {"check_sender_ns_access", Check::not_yet, Argument::word},
    {"check_recipient_a_access", Check::not_yet, Argument::word},
    {"check_recipient_mx_access", Check::not_yet, Argument::word},
    {"check_recipient_ns_access", Check::not_yet, Argument::word},
    {"reject_rbl_client", Check::not_yet, Argument::word},
    {"reject_rbl", Check::not_yet, Argument::word},
    {"reject_maps_rbl", Check::not_yet},
    {"permit_dnswl_client", Check::not_yet, Argument::word},
    {"reject_rhsbl_client", Check::not_yet, Argument::word},
    {"permit_rhswl_client", Check::not_yet, Argument::word},
    {"reject_rhsbl_reverse_client", Check::not_yet, Argument::word},
    {"reject_rhsbl_helo", Check::not_yet, Argument::word},
    {"reject_rhsbl_sender", Check::not_yet, Argument::word},
    {"reject_rhsbl_recipient", Check::not_yet, Argument::word},
    {"reject_unverified_sender", Check::not_yet},
    {"reject_unverified_recipient", Check::not_yet},
    {"permit_mx_backup", Check::not_yet},
});

const Word* find_word(std::string_view name) {
  auto hit = std::find_if(kWords.begin(), kWords.end(), [&](const Word& w) { return iequals(w.name, name); });
  return hit == kWords.end() ? nullptr : &*hit;
}

/// Without the braces of "{ … }".
std::string_view unbrace(std::string_view word) {
  if (word.size() >= 2 && word.front() == '{' && word.back() == '}') return trim(word.substr(1, word.size() - 2));
  return word;
}

}  // namespace

Rule RestrictionCompiler::broken(std::string_view title, std::string_view name, std::string_view why) {
  complaints_.push_back(fmt::format("{}: {}: {}", title, name, why));
  Rule rule;
  rule.name = name;
  return rule;
}

std::shared_ptr<table::Maps> RestrictionCompiler::open(const std::string& name) {
  for (auto& [known, maps] : opened_) {
    if (known == name) return maps;
  }
  auto maps = options_.open_maps(name);
  opened_.emplace_back(name, maps);
  return maps;
}

Result<std::shared_ptr<PolicyService>> RestrictionCompiler::open_policy(std::string_view argument) {
  for (auto& [known, server] : servers_) {
    if (known == argument) return server;
  }
  if (!options_.open_policy) return permanent("policy services cannot be asked here");
  UMAYA_TRY(auto server, options_.open_policy(argument));
  servers_.emplace_back(std::string(argument), server);
  return server;
}

RuleList RestrictionCompiler::compile(std::string_view title, std::string_view list, Check bare_table) {
  RuleList rules;
  auto words = split_list(list);
  ++depth_;
  for (size_t i = 0; i < words.size(); ++i) rules.push_back(compile_word(title, words, i, bare_table));
  --depth_;
  return rules;
}

Rule RestrictionCompiler::compile_word(std::string_view title, const std::vector<std::string_view>& words, size_t& i,
                                       Check bare_table) {
  std::string_view name = words[i];
  Rule rule;
  rule.name = name;
  if (const Word* word = find_word(name)) {
    rule.check = word->check;
    if (word->argument == Argument::none) {
      if (word->check == Check::not_yet) complaints_.push_back(fmt::format("{}: {} has no effect yet", title, name));
      return rule;
    }
    if (i + 1 >= words.size()) return broken(title, name, "needs an argument");
    std::string_view argument = unbrace(words[++i]);
    if (word->argument == Argument::table) {
      if (argument.find(':') == std::string_view::npos) return broken(title, name, "needs type:table as argument");
      rule.maps = open(std::string(argument));
    } else if (word->argument == Argument::number) {
      auto seconds = parse_uint(argument);
      if (!seconds || *seconds > 3600) return broken(title, name, "needs a number of seconds");
      rule.seconds = static_cast<int>(*seconds);
    } else if (word->argument == Argument::server) {
      auto server = open_policy(argument);
      if (!server) return broken(title, name, server.error().what);
      rule.policy = std::move(*server);
    } else {
      complaints_.push_back(fmt::format("{}: {} has no effect yet", title, name));
    }
    return rule;
  }
  if (auto list = options_.class_list(name)) return compile_class(title, std::string(name), *list, bare_table);
  if (name.find(':') != std::string_view::npos) {
    if (bare_table == Check::broken) return broken(title, name, "a table cannot stand alone in this list");
    rule.check = bare_table;
    rule.maps = open(std::string(name));
    return rule;
  }
  return broken(title, name, "unknown restriction");
}

/// Each class is compiled once, however many lists name it: lists within lists would multiply otherwise.
Rule RestrictionCompiler::compile_class(std::string_view title, std::string name, std::string_view list,
                                        Check bare_table) {
  Rule rule;
  rule.check = Check::restriction_class;
  rule.name = name;
  auto key = std::pair(name, bare_table);
  if (auto known = classes_.find(key); known != classes_.end()) {
    if (!known->second) return broken(title, name, "the restriction class contains itself");
    rule.rules = known->second;
    return rule;
  }
  if (depth_ >= kMaxNesting) return broken(title, name, "restriction classes are nested too deep");
  classes_[key] = nullptr;  // being compiled
  rule.rules = std::make_shared<const RuleList>(compile(name, list, bare_table));
  classes_[key] = rule.rules;
  return rule;
}

}  // namespace umaya::smtpd
