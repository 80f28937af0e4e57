#include "smtp-client/security/rules.h"

#include "libcommon/log/log.h"
#include "libcommon/net/address.h"
#include "libcommon/table/settle.h"

namespace umaya::smtp_client {

using event::Task;
using tls::ClientLevel;

namespace {

/// A mail domain has parents that may have a policy; an explicit host or port has not.
bool is_domain(std::string_view nexthop) {
  return nexthop.find_first_of("[]:/") == std::string_view::npos && !net::IpAddress::parse_literal(nexthop);
}

std::string excluded(const tls::ClientPolicy& policy, const TlsParams& params) {
  std::string out = policy.exclude.value_or(params.exclude);
  if (!policy.exclude && tls::is_mandatory(policy.level)) out += ' ' + params.mandatory_exclude;
  if (tls::must_match(policy.level)) return out + " aNULL";
  if (policy.level == ClientLevel::encrypt) return out + " eNULL";
  return out;
}

std::vector<std::string> wanted_match(const tls::ClientPolicy& policy, const TlsParams& params) {
  if (!policy.match.empty()) return policy.match;
  if (policy.level == ClientLevel::fingerprint) return params.fingerprint_match;
  if (policy.level == ClientLevel::verify) return params.verify_match;
  if (policy.level == ClientLevel::secure) return params.secure_match;
  return {};
}

}  // namespace

Failure tls_configuration_problem() {
  Failure out;
  out.dsn = "4.7.5";
  out.text = "client TLS configuration problem";
  out.is_site = true;
  return out;
}

SecurityRules::SecurityRules(const TlsParams& params, const SaslParams& sasl, const table::Options& tables,
                             const std::string& prefix, table::AddressRules addresses)
    : accounts(Accounts::open(tables, prefix, sasl, std::move(addresses))),
      params_(&params),
      policies_(table::Maps::open(tables, prefix + "tls_policy_maps", params.policy_maps)) {}

table::Lookup SecurityRules::look_up(const std::string& nexthop) {
  if (!is_domain(nexthop)) return policies_.find(nexthop);
  for (std::string_view name = nexthop;;) {  // patterns see the parents too
    table::Lookup found = policies_.find(name);
    const size_t dot = name.find('.', 1);
    if (!found.missing() || dot == std::string_view::npos) return found;
    name.remove_prefix(dot);
  }
}

/// The line of the policy table for a destination, or what main.cf says for all.
Task<Result<tls::ClientPolicy>> SecurityRules::policy_for(std::string nexthop) {
  tls::ClientPolicy general;
  general.level = params_->level;
  if (policies_.empty()) co_return general;
  policies_.refresh();
  auto question = [this, &nexthop] { return look_up(nexthop); };
  table::Lookup found = co_await table::settle(std::move(question));
  if (found.is_error()) co_return temporary("TLS policy table lookup error: " + found.error().what);
  if (!found.found()) co_return general;
  co_return tls::parse_client_policy(found.value());
}

std::expected<tls::ClientRequest, Failure> SecurityRules::request_for(const tls::ClientPolicy& policy,
                                                                      const Destination& destination,
                                                                      std::string_view host) const {
  tls::ClientRequest out;
  out.level = policy.level;
  out.log = params_->log_level;
  if (policy.level == ClientLevel::none) return out;
  const bool mandatory = tls::is_mandatory(policy.level);
  out.protocols = policy.protocols.value_or(mandatory ? params_->mandatory_protocols : params_->protocols);
  out.ciphers = policy.ciphers.value_or(mandatory ? params_->mandatory_ciphers : params_->ciphers);
  out.exclude = excluded(policy, *params_);
  out.match = wanted_match(policy, *params_);
  if (tls::is_by_name(policy.level)) out.match = tls::expand_match(out.match, host, destination.name);
  if (tls::must_match(policy.level) && out.match.empty()) {
    log::warning("nexthop domain {}: configured at {} security level, but with nothing to match", destination.text,
                 tls::level_name(policy.level));
    return std::unexpected(tls_configuration_problem());
  }
  out.server_name = policy.server_name.value_or(params_->server_name);
  if (iequals(out.server_name, "hostname")) out.server_name = host;
  if (iequals(out.server_name, "nexthop")) out.server_name = destination.name;
  return out;
}

Task<SecurityOrFailure> SecurityRules::find(Destination destination, std::string host, std::string sender) {
  Result<tls::ClientPolicy> policy = co_await policy_for(destination.text);
  if (!policy) {
    log::warning("TLS policy table, next-hop destination \"{}\": {}", destination.text, policy.error().what);
    co_return std::unexpected(tls_configuration_problem());
  }
  if (tls::is_dane(policy->level)) {
    Failure failure = tls_configuration_problem();
    failure.text = "TLS security level \"" + std::string(tls::level_name(policy->level)) +
                   "\" is not supported yet: use encrypt, verify or secure";
    log::warning("next-hop destination \"{}\": {}", destination.text, failure.text);
    co_return std::unexpected(std::move(failure));
  }
  if (params_->wrapper_mode && !tls::is_mandatory(policy->level)) policy->level = ClientLevel::encrypt;
  auto request = request_for(*policy, destination, host);
  if (!request) co_return std::unexpected(std::move(request.error()));
  Security out;
  out.tls = std::move(*request);
  out.keep = policy->connection_reuse.value_or(params_->connection_reuse);
  Accounts::Key key{std::move(sender), std::move(host), std::move(destination.text)};
  Result<std::optional<Account>> account = co_await accounts.find(std::move(key));
  if (!account) {
    Failure failure;
    failure.dsn = account.error().dsn;
    failure.text = "SASL password lookup error";
    failure.is_site = true;
    log::warning("{}", account.error().what);
    co_return std::unexpected(std::move(failure));
  }
  out.account = std::move(*account);
  out.mark = out.tls.identity();
  if (out.account) out.mark += account_mark(*out.account);
  co_return out;
}

}  // namespace umaya::smtp_client
